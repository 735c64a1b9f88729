"""Every page of the control room on a phone and on a desk, light, dark and in Finnish: complete, and for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from cloud.domain.principal import Principal
from tests.e2e.axe import violations
from tests.e2e.browser import DESKTOP, PHONE, Visits
from tests.e2e.control import ADA, UMA, enters, keeps, settles
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import migrated
from tests.unit.cloud.stories import OPAL

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

LOOKS: Final = [(DESKTOP, "light", "desk"), (DESKTOP, "dark", "desk-dark"), (PHONE, "light", "phone")]
PAGES: Final = [
    (OPAL, "/operate/fleet", "Every station, the ones that need you first."),
    (OPAL, "/operate/fleet/demo-1", "Latest events"),
    (OPAL, "/operate/fleet/demo-1/days", "Highest power"),
    (OPAL, "/operate/fleet/demo-1/events", "SessionOpened"),
    (OPAL, "/operate/fleet/demo-1/configuration", "station.rating_w"),
    (OPAL, "/operate/fleet/demo-1/files", "No recording was asked for yet"),
    (OPAL, "/operate/alarms", "180 kΩ"),
    (OPAL, "/operate/sessions", "From the plug to the receipt."),
    (OPAL, "/operate/reservations", "No reservation"),
    (OPAL, "/operate/tariffs", "A published tariff"),
    (OPAL, "/operate/approvals", "What one person has asked for"),
    (UMA, "/utility", "Worst latency"),
    (ADA, "/operate/people", "Who may sign in, and as what."),
    (ADA, "/operate/certificates", "Which stations may speak"),
    (ADA, "/operate/audit", "Every deed, in a chain"),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    folder: Path = tmp_path_factory.mktemp("control")
    address = f"sqlite:///{folder / 'cloud.db'}"
    await migrated(address)
    async with cloud(address) as running:
        await settles(running)
        await running.world.store.summarise()
        yield running


async def fits(page: Page) -> bool:
    """Nothing makes the page wider than the screen."""
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize(("size", "theme", "look"), LOOKS, ids=[look for _, _, look in LOOKS])
@pytest.mark.parametrize("who", [OPAL, UMA, ADA], ids=lambda who: who.user)
async def test_axe_finds_nothing_and_everything_fits(
    visits: Visits, api: Cloud, who: Principal, size: tuple[int, int], theme: str, look: str
) -> None:
    pages = [(path, words) for person, path, words in PAGES if person == who]
    page = await enters(visits, api, who, pages[0][0], size=size, theme=theme)
    for path, words in pages:
        await page.evaluate("path => { window.location.hash = path; }", path)
        await expect(page.get_by_text(words).first).to_be_visible()
        await expect(page.locator(".control-main .loading")).to_have_count(0)
        assert await violations(page) == [], path
        assert await fits(page), path
        await keeps(page, f"{path.removeprefix('/').replace('/', '-')}-{look}")


async def test_the_questions_are_reached_by_keyboard_and_read_out(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/fleet/demo-1")
    stop = page.get_by_role("article", name="Left").get_by_role("button", name="Stop")
    await stop.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Stop charging on the left")
    await expect(dialog).to_be_visible()
    assert await violations(page) == []
    await keeps(page, "confirm")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(stop).to_be_focused()


async def test_finnish_has_every_word(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/fleet/demo-1")
    await page.get_by_role("button", name="FI", exact=True).click()
    await expect(page.get_by_role("heading", name="Rajat, myönnetty ja mitattu")).to_be_visible()
    await expect(page.get_by_role("navigation", name="Valvomo")).to_contain_text("Hälytykset")
    alarm = page.locator("li.alarm").filter(has_text="Eristysvastus liian pieni")
    await expect(alarm).to_contain_text("Lähetä asentaja, ennen kuin tässä ladataan")
    await expect(page.get_by_text("Lataus alkoi mittarin lukemasta 1,000 kWh.").first).to_be_visible()
    await keeps(page, "finnish")
