"""People of every role, made and signed in as the product does it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from google.protobuf.message import Message

from cloud.domain import otp
from cloud.domain.principal import Principal, Role
from powerctl.v1 import identity_pb2, user_pb2
from tests.contract.api.peers import Json, M
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import STATION

PASSWORD = "seven teal kettles hum"
PEOPLE = {
    role: Principal(
        f"the-{role.replace('_', '-')}", role.title(), role, frozenset({STATION} if role == "owner" else ())
    )
    for role in Role
}
ADMIN = PEOPLE[Role.ADMIN]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Signs people up and in."""

    api: Cloud

    @property
    def peer(self) -> Json:
        """A client."""
        return Json(self.api.web)

    async def ask(self, method: str, request: Message, response: type[M], who: Principal | None = None) -> M:
        """The response to `who`. Raises Failed."""
        return await self.peer.call(method, request, response, self.api.token(who) if who else "")

    async def create(self, user: str, role: identity_pb2.Role.ValueType, password: str = PASSWORD) -> bytes:
        """Make a user; returns the second factor's secret, empty for none."""
        request = user_pb2.CreateUserRequest(
            user_id=user, user=user_pb2.User(display_name=user.title(), role=role), password=password
        )
        made = await self.ask("UserService/CreateUser", request, user_pb2.CreateUserResponse, ADMIN)
        return secret_of(made.second_factor_uri)

    async def sign_in(self, user: str, password: str = PASSWORD, code: str = "") -> identity_pb2.SignInResponse:
        """Sign in by password. Raises Failed."""
        request = identity_pb2.SignInWithPasswordRequest(user=user, password=password, one_time_code=code)
        return await self.ask("IdentityService/SignInWithPassword", request, identity_pb2.SignInResponse)

    def code(self, secret: bytes) -> str:
        """What the authenticator shows now."""
        return otp.code(secret, otp.step_at(self.api.world.clock.utc()))


def secret_of(uri: str) -> bytes:
    """The secret in an authenticator's address; empty for none."""
    if not uri:
        return b""
    (text,) = parse_qs(urlsplit(uri).query)["secret"]
    return base64.b32decode(text + "=" * (-len(text) % 8))
