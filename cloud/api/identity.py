"""IdentityService: who is calling."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.api import encode, names
from cloud.api.call import Access, Call
from cloud.api.front_door import FrontDoor, NewDriver
from cloud.api.sign_in import Credentials, SignIns
from powerctl.runtime import log
from powerctl.v1 import identity_pb2 as pb
from powerctl.wire.common import time_to_wire

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class IdentityService:
    """Signs people in and out."""

    sign_ins: SignIns
    front_door: FrontDoor
    demo: bool

    async def sign_in(self, request: pb.SignInRequest, call: Call) -> pb.SignInResponse:
        """Exchanges a single-use sign-in token for an access token."""
        return self._signed_in(*await self.sign_ins.exchange(request.token), call)

    async def sign_in_with_password(self, request: pb.SignInWithPasswordRequest, call: Call) -> pb.SignInResponse:
        """Signs in by password, and by a one-time code for roles that need one."""
        given = Credentials(request.user, request.password, request.one_time_code, call.peer)
        return self._signed_in(*await self.sign_ins.with_password(given), call)

    async def sign_up(self, request: pb.SignUpRequest, call: Call) -> pb.SignInResponse:
        """Makes a driver's account and signs in."""
        user = names.parse_user(f"users/{request.user_id}")
        wanted = NewDriver(user, request.display_name.strip(), request.password, call.peer)
        return self._signed_in(*await self.front_door.sign_up(wanted), call)

    async def sign_in_as_guest(self, request: pb.SignInAsGuestRequest, call: Call) -> pb.SignInResponse:
        """Signs in a driver without an account."""
        return self._signed_in(*self.front_door.guest(call.peer), call)

    async def refresh_access(self, request: pb.RefreshAccessRequest, call: Call) -> pb.SignInResponse:
        """Exchanges a refresh token for an access token and the next refresh token."""
        return self._response(*await self.sign_ins.refresh(request.refresh_token), call)

    async def change_password(self, request: pb.ChangePasswordRequest, call: Call) -> pb.ChangePasswordResponse:
        """Gives the caller a new password, and ends every sign-in of theirs."""
        await self.sign_ins.change_password(call.caller().user, request.password, request.new_password)
        call.signed_out = True
        return pb.ChangePasswordResponse()

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

    def _signed_in(self, token: str, access: Access, call: Call) -> pb.SignInResponse:
        _log.info("signed_in", user=access.principal.user, role=access.principal.role.value)
        return self._response(token, access, call)

    def _response(self, token: str, access: Access, call: Call) -> pb.SignInResponse:
        call.issued = token
        return pb.SignInResponse(
            access_token=token,
            expire_time=time_to_wire(access.expire_time),
            principal=encode.principal(access.principal, demo=self.demo),
            refresh_token="" if call.browser else self.sign_ins.refresh_token(access),
        )
