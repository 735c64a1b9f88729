"""A native client that renews its access by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message

from cloud.api.tokens import ACCESS_LIFE
from powerctl.v1 import identity_pb2
from tests.checklist.crowd import PASSWORD, Crowd
from tests.contract.api.peers import M, path
from tests.unit.cloud.api_world import Cloud


@dataclass(slots=True)
class Client:
    """Signs in once; renews when the server says that the access has ended, once for all calls that wait."""

    channel: grpc.aio.Channel
    access: str = ""
    refresh: str = ""
    renewals: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def sign_in(self, user: str, password: str) -> None:
        request = identity_pb2.SignInWithPasswordRequest(user=user, password=password)
        self._keep(await self._send("IdentityService/SignInWithPassword", request, identity_pb2.SignInResponse))

    async def call(self, method: str, request: Message, response: type[M]) -> M:
        used = self.access
        try:
            return await self._send(method, request, response, used)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                raise
        async with self._lock:
            if self.access == used:
                await self._renew()
        return await self._send(method, request, response, self.access)

    async def _renew(self) -> None:
        request = identity_pb2.RefreshAccessRequest(refresh_token=self.refresh)
        self._keep(await self._send("IdentityService/RefreshAccess", request, identity_pb2.SignInResponse))
        self.renewals += 1

    def _keep(self, given: identity_pb2.SignInResponse) -> None:
        self.access, self.refresh = given.access_token, given.refresh_token

    async def _send(self, method: str, request: Message, response: type[M], token: str = "") -> M:
        rpc: Any = self.channel.unary_unary(path(method), type(request).SerializeToString, response.FromString)
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        answered: M = await rpc(request, metadata=metadata, timeout=30)
        return answered


@asynccontextmanager
async def signed_in(api: Cloud) -> AsyncIterator[Client]:
    await Crowd(api).create("anna", identity_pb2.ROLE_DRIVER)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel:
        client = Client(channel)
        await client.sign_in("anna", PASSWORD)
        yield client


async def who(client: Client) -> str:
    asked = identity_pb2.GetPrincipalRequest()
    return (await client.call("IdentityService/GetPrincipal", asked, identity_pb2.Principal)).name


async def test_a_client_renews_its_access_once_for_all_calls_that_wait(api: Cloud) -> None:
    async with signed_in(api) as client:
        assert await who(client) == "users/anna"
        first = client.refresh
        api.world.clock.advance(ACCESS_LIFE.total_seconds() + 1)
        assert await asyncio.gather(*(who(client) for _ in range(5))) == ["users/anna"] * 5
        assert (client.renewals, client.refresh != first) == (1, True)


async def test_who_has_signed_out_cannot_renew(api: Cloud) -> None:
    async with signed_in(api) as client:
        await client.call("IdentityService/SignOut", identity_pb2.SignOutRequest(), identity_pb2.SignOutResponse)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await who(client)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert client.renewals == 0
