"""A driver's whole way in a real browser, against every real program of the demo."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from cloud.receipts.verify import verify
from tests.e2e import demo
from tests.e2e.browser import PHONE, Visits
from tests.e2e.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SOON_MS: Final = 60_000
PICTURES: Final = Path(__file__).resolve().parents[2] / "build" / "pictures"
STATION: Final = "/#/stations/demo-1"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    async with demo.running(tmp_path_factory.mktemp("demo") / "d") as running:
        yield running


async def keeps(page: Page, name: str) -> None:
    """Keep a picture of the page as it is, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"driver-{name}.png", full_page=True)


async def guest(visits: Visits, shown: Demo) -> Page:
    page = await visits.open(f"{shown.web}/", size=PHONE)
    page.set_default_timeout(SOON_MS)
    await page.get_by_role("button", name="Continue as a guest").click()
    # The stations around announce themselves when they have connected.
    await page.get_by_role("link", name="Find").click()
    await expect(page.get_by_role("heading", name="Where would you like to charge?")).to_be_visible()
    return page


def card(page: Page, side: str = "Left") -> Locator:
    return page.get_by_role("article", name=side)


async def act(page: Page, shown: Demo, button: str) -> None:
    """Have the demo do something to the station, from a page of its own."""
    stage = await page.context.new_page()
    stage.set_default_timeout(SOON_MS)
    await stage.goto(f"{shown.web}{STATION}")
    await stage.get_by_role("button", name=button).click()
    await expect(stage.get_by_role("button", name=button)).to_have_count(0, timeout=SOON_MS)
    await stage.close()


async def finds(page: Page) -> None:
    """From the map to the free side of the demo's station."""
    stations = page.get_by_role("list", name="Stations")
    await expect(stations.get_by_role("link")).to_have_count(6, timeout=SOON_MS)
    await expect(page.get_by_role("group", name="Map of stations").get_by_role("button", name="Demo")).to_be_visible()
    await page.get_by_role("button", name="CCS").click()
    await expect(stations.get_by_role("link")).to_have_count(2)
    await page.get_by_role("button", name="Clear filters").click()
    await keeps(page, "1-find")
    await stations.get_by_role("link", name="Demo station").click()
    await expect(card(page)).to_contain_text("Available", timeout=SOON_MS)
    await expect(page.get_by_role("region", name="What it costs")).to_contain_text("€0.39 per kWh")


async def reserves(page: Page) -> None:
    await card(page).get_by_role("link", name="Reserve").click()
    await expect(page.get_by_text("the left connector is yours with at least 11.0 kW")).to_be_visible()
    await keeps(page, "2-reserve")
    await page.get_by_role("button", name="Reserve").click()
    await expect(page.get_by_role("heading", name="Reserved for you")).to_be_visible(timeout=SOON_MS)
    await expect(page.get_by_text("in the station's plan")).to_be_visible(timeout=SOON_MS)
    await keeps(page, "3-reserved")


async def pays(page: Page) -> None:
    """A card without funds, then a wallet; a reload in between loses nothing."""
    await page.get_by_role("link", name="Pay and charge").click()
    await page.get_by_label("Visa without funds").check()
    await page.get_by_role("button", name="Hold €30.00").click()
    await expect(page.get_by_role("alert")).to_contain_text("Your card has insufficient funds.")
    await keeps(page, "4-declined")
    await page.get_by_label("PayPal").check()
    await page.get_by_role("button", name="Hold €30.00").click()
    await expect(page.get_by_text("Simulated wallet: no money moves.")).to_be_visible()
    await page.reload()
    await page.get_by_role("button", name="Approve €30.00").click()
    await expect(page.get_by_role("heading", name="Paid for: ready to start")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Paid for: ready to start")).to_be_visible()
    await expect(page.get_by_text("Now plug your vehicle in on the left.")).to_be_visible()
    await expect(page.get_by_role("button", name="Start charging")).to_be_disabled()
    await keeps(page, "5-paid")


async def starts(page: Page) -> None:
    await expect(page.get_by_text("Your vehicle is plugged in.")).to_be_visible(timeout=SOON_MS)
    await page.get_by_role("button", name="Start charging").click()
    await expect(page.get_by_role("heading", name="Charging now")).to_be_visible(timeout=SOON_MS)
    charging = page.get_by_role("article", name="Charging now")
    await expect(charging.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"Power [1-9]\d*\.\d.kW. Battery \d+"), timeout=SOON_MS
    )
    await expect(charging).to_contain_text(re.compile(r"Why this power\s*\d"))
    await expect(charging).to_contain_text(re.compile(r"Cost so far\s*€"))
    await expect(charging).to_contain_text(re.compile(r"Time left\s*\d"))
    await keeps(page, "6-live")


async def goes_through_a_tunnel(page: Page) -> None:
    """Offline, and loaded anew there: the last values with their age; then live again."""
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.context.set_offline(True)
    await expect(page.get_by_role("alert")).to_contain_text("This device is offline. What you see is from")
    await page.reload()
    await expect(page.get_by_role("article", name="Charging now")).to_contain_text(re.compile(r"measured \d+\ss ago"))
    await expect(page.get_by_role("alert").first).to_contain_text("What you see is from")
    await keeps(page, "7-tunnel")
    await page.context.set_offline(False)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=SOON_MS)
    await expect(page.get_by_role("article", name="Charging now")).to_contain_text("measured now", timeout=SOON_MS)


async def stops(page: Page) -> None:
    await page.get_by_role("button", name="Stop charging").click()
    await page.get_by_role("link", name="Show receipt").click(timeout=SOON_MS)
    await expect(page.get_by_role("article")).to_contain_text("Simulated: nothing was sold.")
    await expect(page.get_by_role("article").get_by_role("row", name=re.compile("^Energy"))).to_contain_text("€0.39")
    await keeps(page, "8-receipt")


async def takes_home(page: Page, folder: Path) -> None:
    """The receipt as files, which anybody can check without us."""
    for button, name in (("PDF", "r.pdf"), ("Signed meter data (OCMF)", "r.ocmf.xml"), ("JSON", "r.json")):
        async with page.expect_download() as coming:
            await page.get_by_role("button", name=button, exact=True).click()
        await (await coming.value).save_as(folder / name)
        assert verify((folder / name).read_bytes()).problems == ()
    await page.get_by_role("link", name="Charges").click()
    await expect(page.get_by_role("row").filter(has_text="Demo station, left")).to_contain_text("Completed")
    await keeps(page, "9-history")


async def test_a_guest_finds_reserves_pays_charges_and_takes_the_receipt_home(
    visits: Visits, shown: Demo, tmp_path: Path
) -> None:
    page = await guest(visits, shown)
    await act(page, shown, "Left car leaves")
    await finds(page)
    await reserves(page)
    await pays(page)

    other = await visits.open(shown.driver)
    await expect(card(other)).to_contain_text("Kept for somebody else until", timeout=SOON_MS)
    await expect(card(other).get_by_role("link", name="Charge here")).to_have_count(0)

    await act(page, shown, "Car on the left")
    await starts(page)
    await expect(card(other)).to_contain_text("In use by somebody else", timeout=SOON_MS)
    await goes_through_a_tunnel(page)
    await stops(page)
    await takes_home(page, tmp_path)
