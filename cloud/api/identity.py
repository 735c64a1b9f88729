"""IdentityService: who is calling."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.api import encode
from cloud.api.call import Call
from cloud.api.sign_in import SignIns
from powerctl.runtime import log
from powerctl.v1 import identity_pb2 as pb
from powerctl.wire.common import time_to_wire

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class IdentityService:
    """Signs people in and out."""

    sign_ins: SignIns
    demo: bool

    async def sign_in(self, request: pb.SignInRequest, call: Call) -> pb.SignInResponse:
        """Exchanges a single-use sign-in token for an access token."""
        token, access = await self.sign_ins.exchange(request.token)
        call.issued = token
        _log.info("signed_in", user=access.principal.user, role=access.principal.role.value)
        return pb.SignInResponse(
            access_token=token,
            expire_time=time_to_wire(access.expire_time),
            principal=encode.principal(access.principal, demo=self.demo),
        )

    async def sign_out(self, request: pb.SignOutRequest, call: Call) -> pb.SignOutResponse:
        """Ends the caller's sign-in."""
        user = call.caller().user
        if call.access is not None:
            await self.sign_ins.end(call.access)
        call.signed_out = True
        _log.info("signed_out", user=user)
        return pb.SignOutResponse()

    async def get_principal(self, request: pb.GetPrincipalRequest, call: Call) -> pb.Principal:
        """The caller."""
        return encode.principal(call.caller(), demo=self.demo)
