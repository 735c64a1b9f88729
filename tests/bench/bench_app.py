"""The driver's page in a real browser against the real API on loopback: first value, visible change, processor time.

A change is timed from the moment at which a station's record is handed to the store until the browser has changed the
page. The way from the station to the store is timed in `bench_station.py`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from powerctl.core.session import ConnectorState
from tests.bench.table import Figure, show
from tests.e2e.browser import PHONE, chromium, launched
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import migrated
from tests.unit.cloud.stories import ANNA, SESSION, began, describes, live, plugged, says, telemetry

pytestmark = pytest.mark.asyncio

CHANGES: Final = 100
SECONDS: Final = 20
_WATCH: Final = """() => {
    const seen = [];
    window.seen = seen;
    new MutationObserver(() => {
        const shown = document.querySelector(".ring-power")?.textContent;
        if (shown && seen.at(-1)?.[0] !== shown) seen.push([shown, Date.now(), performance.now()]);
    }).observe(document, {subtree: true, childList: true, characterData: true});
}"""


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Cloud]:
    address = f"sqlite:///{tmp_path / 'cloud.db'}"
    await migrated(address)
    async with cloud(address) as running:
        await running.world.reports(describes(), *plugged(), began(), says(ConnectorState.CHARGING))
        await running.world.reports(telemetry(live(kw=5.0)))
        yield running


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    if chromium() is None:
        pytest.skip("needs Chromium")
    async with launched() as running:
        yield running


async def opened(browser: Browser, api: Cloud) -> Page:
    """A phone whose owner has been here before: the page and its files come from the server, the sign-in holds."""
    width, height = PHONE
    context = await browser.new_context(viewport={"width": width, "height": height}, service_workers="block")
    page = await context.new_page()
    await page.goto(f"{api.web}/#signin={api.sign_in_token(ANNA)}")
    await page.locator(".ring-power").first.wait_for()
    await page.add_init_script(f"({_WATCH})()")
    await page.reload()
    await page.locator(".ring-power").first.wait_for()
    return page


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, math.ceil(part * len(values)) - 1)]


async def test_first_value_and_visible_change(browser: Browser, api: Cloud) -> None:
    page = await opened(browser, api)
    [(_, _, first_ms)] = await page.evaluate("window.seen")
    delays = []
    for number in range(CHANGES):
        shown = f"{6 + number / 10:.1f}"
        begun = time.time()
        await api.world.reports(telemetry(live(kw=float(shown))))
        await page.wait_for_function("shown => window.seen.at(-1)?.[0] === shown", arg=shown)
        at_ms = (await page.evaluate("window.seen"))[-1][1]
        delays.append(at_ms - begun * 1000)
    figures = [
        Figure("first live value after load", first_ms, "ms", 1_000, digits=0),
        Figure("change visible, median", quantile(delays, 0.5), "ms", digits=0),
        Figure("change visible, p95", quantile(delays, 0.95), "ms", 500, digits=0),
    ]
    show("the driver's page on loopback", figures)
    assert all(figure.held for figure in figures)


async def processor_s(browser: Browser) -> dict[str, float]:
    """Processor time of each kind of process of the browser since its start, seconds."""
    session = await browser.new_browser_cdp_session()
    told: dict[str, Any] = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    spent: dict[str, float] = {}
    for one in told["processInfo"]:
        spent[one["type"]] = spent.get(one["type"], 0.0) + one["cpuTime"]
    return spent


async def test_processor_time_at_one_value_a_second(browser: Browser, api: Cloud) -> None:
    page = await opened(browser, api)
    await page.goto(f"{api.web}/#/sessions/{SESSION}")
    await asyncio.sleep(3)
    before, begun = await processor_s(browser), time.monotonic()
    for number in range(SECONDS):
        await api.world.reports(telemetry(live(kw=6 + number / 10)))
        await asyncio.sleep(1)
    elapsed = time.monotonic() - begun
    after = await processor_s(browser)
    share = {kind: (after[kind] - before.get(kind, 0.0)) / elapsed for kind in after}
    page_s = Figure("processor, the page's process", 100 * share.pop("renderer"), "%", 5)
    figures = [page_s, *(Figure(f"processor, {kind}", 100 * part, "%") for kind, part in sorted(share.items()))]
    show("the live session at one value a second", figures)
    assert page_s.held
