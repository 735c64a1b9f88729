"""The API on loopback, and a client for each transport."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contract.api.peers import GrpcWeb, Json, Native, Peer
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("api"))


@pytest.fixture
async def api(files: SqliteFiles) -> AsyncIterator[Cloud]:
    async with cloud(await files.new()) as running:
        yield running


@pytest.fixture(params=["grpc", "grpc-web", "grpc-web-text", "json"])
def peer(request: pytest.FixtureRequest, api: Cloud) -> Peer:
    peers: dict[str, Peer] = {
        "grpc": Native(api.grpc_port),
        "grpc-web": GrpcWeb(api.web, text=False),
        "grpc-web-text": GrpcWeb(api.web, text=True),
        "json": Json(api.web),
    }
    return peers[request.param]
