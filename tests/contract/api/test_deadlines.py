"""A caller's deadline is kept on every transport, and no call takes longer than the server lets it."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from cloud.api import boundary
from cloud.api.method import Unary
from cloud.store import audit
from powerctl.v1 import identity_pb2
from tests.contract.api.peers import Failed, Peer
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import ANNA

GET = "/powerctl.v1.IdentityService/GetPrincipal"
SIGN_OUT = "/powerctl.v1.IdentityService/SignOut"


class Stuck:
    """A servicer that never answers, and knows whether it has been let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, request: Any, call: Any) -> Any:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


def replaced(api: Cloud, method: str) -> Stuck:
    """Let `method` hang on the web port. The gRPC port has its own table of handlers over the same rows."""
    stuck = Stuck()
    row = api.methods[method]
    assert isinstance(row, Unary)
    object.__setattr__(row, "handler", stuck)
    return stuck


async def ask(peer: Peer, api: Cloud) -> None:
    await peer.call(
        "IdentityService/GetPrincipal", identity_pb2.GetPrincipalRequest(), identity_pb2.Principal, api.token(ANNA)
    )


async def test_no_call_takes_longer_than_the_server_lets_it(
    api: Cloud, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boundary, "LONGEST_S", 0.05)
    stuck = replaced(api, GET)
    with pytest.raises(Failed, match="deadline_exceeded"):
        await ask(peer, api)
    assert stuck.ended.is_set()


async def test_grpc_ends_a_call_at_its_callers_deadline(api: Cloud) -> None:
    stuck = replaced(api, GET)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel:
        rpc: Any = channel.unary_unary(GET)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await rpc(b"", metadata=(("authorization", f"Bearer {api.token(ANNA)}"),), timeout=1.0)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(30):
        await stuck.ended.wait()


async def test_grpc_ends_the_call_of_a_caller_who_has_gone(api: Cloud) -> None:
    stuck = replaced(api, GET)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel:
        rpc: Any = channel.unary_unary(GET)
        call = rpc(b"", metadata=(("authorization", f"Bearer {api.token(ANNA)}"),))
        async with asyncio.timeout(30):
            await stuck.begun.wait()
        call.cancel()
        async with asyncio.timeout(30):
            await stuck.ended.wait()


@pytest.mark.parametrize("header", ["50", "0"])
async def test_json_keeps_connects_deadline(api: Cloud, header: str) -> None:
    stuck = replaced(api, GET)
    headers = {"authorization": f"Bearer {api.token(ANNA)}", "connect-timeout-ms": header}
    async with httpx.AsyncClient(base_url=api.web, headers=headers, timeout=30) as client:
        answered = await client.post(GET, json={})
    assert (answered.status_code, answered.json()["code"]) == (504, "deadline_exceeded")
    assert stuck.ended.is_set() or not stuck.begun.is_set()


@pytest.mark.parametrize("header", ["soon", "-1", "12345678901"])
async def test_json_refuses_what_is_no_deadline(api: Cloud, header: str) -> None:
    headers = {"authorization": f"Bearer {api.token(ANNA)}", "connect-timeout-ms": header}
    async with httpx.AsyncClient(base_url=api.web, headers=headers) as client:
        assert (await client.post(GET, json={})).status_code == 400


async def test_what_ran_out_of_time_is_in_the_audit_log(api: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "LONGEST_S", 0.05)
    replaced(api, SIGN_OUT)
    async with httpx.AsyncClient(base_url=api.web, headers={"authorization": f"Bearer {api.token(ANNA)}"}) as client:
        assert (await client.post(SIGN_OUT, json={})).status_code == 504
    async with api.world.store.database.read() as connection:
        found, _ = await audit.page(connection, before=None, size=10)
    assert [(one.user, one.method, one.result) for one in found] == [(ANNA.user, SIGN_OUT, "deadline_exceeded")]
