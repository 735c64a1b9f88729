"""The gRPC port: TLS, health, reflection only when asked for."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from cloud.api.grpc_server import GrpcServer
from powerctl.core.errors import ConfigError
from powerctl.runtime.pki import create_ca, issue
from powerctl.v1 import identity_pb2, identity_pb2_grpc
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import ANNA


async def test_over_tls_with_the_generated_client(files: SqliteFiles, tmp_path: Path) -> None:
    authority = create_ca(tmp_path, "test")
    tls = issue(authority, "cloud", server_names=["localhost", "127.0.0.1"])
    credentials = grpc.ssl_channel_credentials(authority.certificate_file.read_bytes())
    async with (
        cloud(await files.new(), tls=tls) as api,
        grpc.aio.secure_channel(f"127.0.0.1:{api.grpc_port}", credentials) as channel,
    ):
        stub = identity_pb2_grpc.IdentityServiceStub(channel)
        bearer = (("authorization", f"Bearer {api.token(ANNA)}"),)
        me = await stub.GetPrincipal(identity_pb2.GetPrincipalRequest(), metadata=bearer)
        assert me.name == "users/anna"


async def test_health_is_told_without_signing_in(api: Cloud) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("", "powerctl.v1.SessionService"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("reflect", [False, True])
async def test_methods_are_listed_only_when_configured(files: SqliteFiles, reflect: bool) -> None:
    async with (
        cloud(await files.new(), reflect=reflect) as api,
        grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel,
    ):
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
        request: Any = reflection_pb2.ServerReflectionRequest
        answers = stub.ServerReflectionInfo(iter([request(list_services="")]))
        if not reflect:
            with pytest.raises(grpc.aio.AioRpcError, match="UNIMPLEMENTED"):
                await anext(aiter(answers))
            return
        names = {one.name async for answer in answers for one in answer.list_services_response.service}
    assert "powerctl.v1.WatchService" in names


async def test_bytes_that_are_no_request_are_invalid(api: Cloud) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{api.grpc_port}") as channel:
        rpc: Any = channel.unary_unary("/powerctl.v1.SessionService/GetSession")
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await rpc(b"\xff\xff\xff", metadata=(("authorization", f"Bearer {api.token(ANNA)}"),))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_port_in_use_names_its_setting(api: Cloud) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = GrpcServer({}, api.sign_ins, reflect=False)
        with pytest.raises(ConfigError, match=r"cloud\.grpc\.port"):
            await server.start("127.0.0.1", taken.getsockname()[1], None)
