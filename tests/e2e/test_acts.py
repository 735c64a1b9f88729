"""A visitor pushes every button of the demo, in a real browser, and sees what it does."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.e2e.browser import Visits
from tests.e2e.test_demo import free_ports

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

LINK = re.compile(rb"(http://\S+#signin=\S+)")
SOON_MS = 60_000


@pytest_asyncio.fixture(loop_scope="module")
async def page(visits: Visits, tmp_path: Path) -> AsyncIterator[Page]:
    """The page of a demo that runs, as the link on its first screen opens it."""
    moved = [word for name, port in free_ports().items() for word in ("--set", f"{name}={port}")]
    command = (sys.executable, "-m", "powerctl.app.cli", "demo", "--no-browser", "--data", str(tmp_path / "d"), *moved)
    demo = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, limit=1 << 20)
    assert demo.stdout is not None
    try:
        async with asyncio.timeout(90):
            while not (found := LINK.search(await demo.stdout.readline())):
                assert demo.returncode is None
        reading = asyncio.create_task(demo.stdout.read())
        page = await visits.open(found.group(1).decode())
        page.set_default_timeout(SOON_MS)
        yield page
        demo.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            assert await demo.wait() == 0
            await reading
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.wait()


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Make something happen").get_by_role("button", name=name)


async def sees(page: Page, words: str) -> None:
    await expect(page.get_by_role("main")).to_contain_text(re.compile(words), timeout=SOON_MS)


async def test_every_button_does_what_it_says(page: Page) -> None:
    left = page.get_by_role("article", name="Left")
    right = page.get_by_role("article", name="Right")
    for side in (left, right):
        await expect(side).to_contain_text("Charging", timeout=SOON_MS)

    await button(page, "Grid dip to 4.2 kW").click()
    await sees(page, "The grid operator limits the station to 4.2 kW")
    await expect(left).to_contain_text("the grid operator limits the station to 4.2 kW", timeout=SOON_MS)
    await button(page, "Grid recovers").click()
    await sees(page, "The station is built for 22.0 kW")

    await button(page, "Right battery nearly full").click()
    await expect(right).to_contain_text("the vehicle asks for no more", timeout=SOON_MS)
    await button(page, "Right battery half full").click()

    await button(page, "Price curve").click()
    await sees(page, "What energy costs the station")
    await sees(page, r"€0\.34 per kWh now, least at")
    await button(page, "No prices").click()
    await expect(page.get_by_role("main")).not_to_contain_text("What energy costs the station", timeout=SOON_MS)

    await button(page, "Kill the optimiser").click()
    await sees(page, "Nothing about safety rested on it")

    await button(page, "Kill the energy manager").click()
    await sees(page, "Energy manager silent: fixed shares hold")
    await button(page, "Start the energy manager").click()
    await sees(page, "Energy manager connected")

    await button(page, "Cut the Modbus cable").click()
    await sees(page, "The grid operator is silent")
    await button(page, "Mend the cable").click()
    await sees(page, "The failsafe ends with a heartbeat")

    await button(page, "Left car leaves").click()
    await expect(left).to_contain_text("Available", timeout=SOON_MS)
    await button(page, "Car on the left").click()
    await expect(left).to_contain_text("Charging", timeout=SOON_MS)
