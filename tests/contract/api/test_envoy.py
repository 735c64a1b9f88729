"""Native callers through Envoy: deadlines, health, addresses, headers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cloud.store import audit
from powerctl.runtime.pki import create_ca, issue
from powerctl.v1 import identity_pb2
from tests import envoy
from tests.contract.api.test_deadlines import GET, SIGN_OUT, replaced
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import ANNA

pytestmark = pytest.mark.integration
CLAIMED = {"x-forwarded-for": "203.0.113.9"}


@dataclass(frozen=True, slots=True)
class Door:
    """Envoy, and the API behind it."""

    api: Cloud
    port: int
    authority: Path

    def channel(self) -> grpc.aio.Channel:
        """A connection of gRPC."""
        return grpc.aio.secure_channel(
            f"localhost:{self.port}", grpc.ssl_channel_credentials(self.authority.read_bytes())
        )

    def client(self, source: str = "127.0.0.1") -> httpx.AsyncClient:
        """A client of the web that calls from this address of loopback."""
        trusted = ssl.create_default_context(cafile=str(self.authority))
        transport = httpx.AsyncHTTPTransport(verify=trusted, local_address=source)
        return httpx.AsyncClient(base_url=f"https://localhost:{self.port}", transport=transport, timeout=30)

    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.api.token(ANNA)}"}


@pytest.fixture
async def door(files: SqliteFiles, tmp_path: Path) -> AsyncIterator[Door]:
    authority = create_ca(tmp_path, "test")
    tls = issue(authority, "api", server_names=["api", "localhost"])
    proxies = frozenset({"127.0.0.1"})
    async with (
        cloud(await files.new(), tls=tls, web_tls=tls, secure=True, proxies=proxies) as api,
        envoy.running(tmp_path, tls, api.grpc_port, api.web_port) as port,
    ):
        yield Door(api, port, authority.certificate_file)


async def test_native_grpc_with_health_and_deadline(door: Door) -> None:
    async with door.channel() as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service=""), timeout=30, wait_for_ready=True)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        rpc: Any = channel.unary_unary(GET)
        metadata = tuple(door.bearer().items())
        me = identity_pb2.Principal.FromString(await rpc(b"", metadata=metadata, timeout=30))
        assert me.name == "users/anna"
        stuck = replaced(door.api, GET)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await rpc(b"", metadata=metadata, timeout=1.0)
        assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(30):
            await stuck.ended.wait()


@pytest.mark.parametrize("kind", ["application/json", "application/grpc-web+proto"])
async def test_the_audit_log_has_the_callers_address_and_not_the_claimed_one(door: Door, kind: str) -> None:
    body = b"{}" if "json" in kind else bytes(5)
    async with door.client("127.0.0.2") as client:
        answered = await client.post(SIGN_OUT, content=body, headers={**door.bearer(), **CLAIMED, "content-type": kind})
    assert answered.status_code == 200
    async with door.api.world.store.database.read() as connection:
        (entry,), _ = await audit.page(connection, before=None, size=10)
    assert (entry.method, entry.result, entry.peer) == (SIGN_OUT, "ok", "127.0.0.2")


async def test_headers_of_answers(door: Door) -> None:
    async with door.client() as client:
        answered = await client.get("/")
    assert answered.status_code == 200
    assert answered.headers.get_list("strict-transport-security") == ["max-age=31536000"]
    assert not [name for name in answered.headers if name == "server" or name.startswith("x-envoy")]


async def test_what_is_no_tls_or_too_large_gets_no_further(door: Door) -> None:
    with pytest.raises(httpx.TransportError):
        async with httpx.AsyncClient() as plain:
            await plain.get(f"http://localhost:{door.port}/")
    async with door.client() as client:
        assert (await client.get("/", headers={"x-large": "x" * 40_000})).status_code == 431
        assert (await client.get("/", headers={"x_hidden": "1"})).status_code == 400
