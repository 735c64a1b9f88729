"""Clients of other makers in a real browser: Google's grpc-web and Connect, straight to the API and through Envoy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from prometheus_client import REGISTRY

from powerctl.runtime.pki import create_ca, issue
from tests import envoy
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import migrated
from tests.unit.cloud.stories import ANNA, describes

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

BUNDLE: Final = (Path(__file__).parent / "peers" / "peers.js").read_text()
"""Built by `npm run peers` in cloud/web; `tools/web_drift.py` compares."""
CLIENTS: Final = ("grpc-web", "grpc-web-text", "connect-grpc-web", "connect-json")
STREAMING: Final = ("grpc-web-text", "connect-grpc-web")
"""Google's client streams in text alone, and Connect's JSON has no stream on this server."""
NOT_FOUND: Final = "5: There is no session sessions/00000000-0000-4000-8000-000000000000."


@dataclass(frozen=True, slots=True)
class Place:
    """An API, and the address at which a browser reaches it."""

    api: Cloud
    address: str
    name: str


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["direct", "envoy"])
async def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("peers")
    address = f"sqlite:///{folder}/cloud.db"
    await migrated(address)
    async with AsyncExitStack() as stack:
        if request.param == "direct":
            api = await stack.enter_async_context(cloud(address))
            at = api.web
        else:
            tls = issue(create_ca(folder, "test"), "api", server_names=["api", "localhost"])
            api = await stack.enter_async_context(cloud(address, tls=tls, web_tls=tls, secure=True))
            port = await stack.enter_async_context(envoy.running(folder, tls, api.grpc_port, api.web_port))
            at = f"https://localhost:{port}"
        await api.world.reports(describes())
        yield Place(api, at, request.param)


async def opened(browser: Browser, place: Place) -> Page:
    context = await browser.new_context(ignore_https_errors=True)
    page = await context.new_page()
    # An address that runs nothing of its own; the content security policy is in force all the same.
    await page.goto(f"{place.address}/v1/nothing")
    await page.evaluate(BUNDLE)
    return page


def requests(method: str, transport: str) -> float:
    labels = {"method": f"/powerctl.v1.{method}", "transport": transport, "code": "ok"}
    return REGISTRY.get_sample_value("cloud_api_requests_total", labels) or 0.0


async def does(page: Page, client: str, deed: str, token: str) -> Any:
    return await page.evaluate("([client, deed, token]) => peer(client, token)[deed]()", [client, deed, token])


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_with_a_token_is_answered(browser: Browser, place: Place, client: str) -> None:
    page = await opened(browser, place)
    token = place.api.token(ANNA)
    through = "json" if client == "connect-json" else "grpc" if place.name == "envoy" else "grpc-web"
    before = requests("IdentityService/GetPrincipal", through)
    assert await does(page, client, "who", token) == "users/anna"
    assert requests("IdentityService/GetPrincipal", through) == before + 1
    assert await does(page, client, "missing", token) == NOT_FOUND
    if client in STREAMING:
        seen = await does(page, client, "watch", token)
        assert (set(seen), seen[-1]) == ({"location", "heartbeat"}, "heartbeat")
    await page.context.close()


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_browser_with_a_cookie_is_answered(browser: Browser, place: Place, client: str) -> None:
    page = await opened(browser, place)
    signed_in = await page.evaluate(
        """token => fetch("/powerctl.v1.IdentityService/SignIn", {
            method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify({token})
        }).then(answer => answer.status)""",
        place.api.sign_in_token(ANNA),
    )
    assert signed_in == 200
    assert await does(page, client, "who", "") == "users/anna"
    if client in STREAMING:
        assert (await does(page, client, "watch", ""))[-1] == "heartbeat"
    await page.context.close()


@pytest.mark.parametrize("client", CLIENTS)
async def test_who_has_not_signed_in_is_told_so(browser: Browser, place: Place, client: str) -> None:
    page = await opened(browser, place)
    assert await does(page, client, "missing", "") == "16: Sign in first."
    await page.context.close()
