"""/healthz tells an operator which part is unwell; /metrics is what Prometheus reads."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from powerctl.core.errors import ConfigError
from powerctl.runtime.health import Health, HealthServer
from powerctl.runtime.settings import HttpListener


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def server(health: Health) -> AsyncIterator[HealthServer]:
    registry = CollectorRegistry()
    Counter("sample_things", "Things", registry=registry).inc(3)
    server = HealthServer(HttpListener(port=0), health, registry=registry)
    await server.start()
    yield server
    server.close()


async def get(server: HealthServer, path: str) -> tuple[int, str]:
    def fetch() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(fetch)


async def test_a_program_that_has_said_nothing_is_not_healthy(server: HealthServer) -> None:
    assert (await get(server, "/healthz"))[0] == 503


async def test_one_unwell_component_makes_the_program_unwell(server: HealthServer, health: Health) -> None:
    health.set("bus", True)
    assert (await get(server, "/healthz"))[0] == 200
    health.set("broker", False, "no connection")
    status, body = await get(server, "/healthz?verbose=1")
    assert status == 503
    assert json.loads(body)["components"]["broker"] == {"ok": False, "detail": "no connection"}


async def test_metrics_are_exposed_in_prometheus_form(server: HealthServer) -> None:
    status, body = await get(server, "/metrics")
    assert status == 200
    assert "sample_things_total 3.0" in body


async def test_other_paths_are_not_found(server: HealthServer) -> None:
    assert (await get(server, "/etc/passwd"))[0] == 404


async def test_a_port_in_use_names_the_setting(server: HealthServer, health: Health) -> None:
    second = HealthServer(HttpListener(port=server.port), health, setting="edge.http.port")
    with pytest.raises(ConfigError, match=r"edge.http.port: .* cannot be opened"):
        await second.start()
