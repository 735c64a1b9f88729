"""The control room against every real program of the demo: what is pressed here happens at the station."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.e2e import demo
from tests.e2e.browser import Visits
from tests.e2e.control import confirms, keeps
from tests.e2e.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SOON_MS: Final = 60_000


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    async with demo.running(tmp_path_factory.mktemp("demo") / "d") as running:
        yield running


async def opened(visits: Visits, link: str) -> Page:
    page = await visits.open(link)
    page.set_default_timeout(SOON_MS)
    expect.set_options(timeout=SOON_MS)
    return page


def side(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name)


async def dips(visits: Visits, shown: Demo) -> Page:
    """The driver's page, with the grid dimming the station."""
    driver = await opened(visits, shown.driver)
    await expect(side(driver, "Left").get_by_text("Charging", exact=True)).to_be_visible()
    await driver.get_by_role("button", name="Grid dip to 4.2 kW").click()
    await expect(driver.get_by_role("region", name="The station may draw")).to_contain_text("Grid operator")
    return driver


async def test_everybody_at_work_on_one_running_station(visits: Visits, shown: Demo) -> None:
    driver = await dips(visits, shown)

    operator = await opened(visits, shown.operator)
    fleet = operator.get_by_role("group", name="Fleet")
    await expect(fleet.get_by_role("row").filter(has_text="demo-1")).to_contain_text("kW")
    await keeps(operator, "demo-fleet")
    await fleet.get_by_role("link", name="Demo station").click()
    await expect(operator.get_by_role("img", name="set by Grid operator")).to_be_visible()

    utility = await opened(visits, shown.utility)
    signal = utility.get_by_role("row").filter(has_text="DSO").first
    await expect(signal).to_contain_text("Complied")
    await keeps(utility, "demo-grid")

    # Under the dip one of the two may have to wait; the other charges.
    charging = operator.get_by_role("article").filter(
        has=operator.get_by_role("button", name="Stop", exact=True, disabled=False)
    )
    await expect(charging.first).to_be_visible()
    name = await charging.first.get_attribute("aria-label") or ""
    await side(operator, name).get_by_role("button", name="Stop").click()
    await confirms(operator, "Stop")
    await expect(operator.get_by_role("region", name="Commands given")).to_contain_text("Accepted")
    await expect(side(driver, name)).to_contain_text("Finished")
    await side(operator, name).get_by_role("link", name="Session timeline").click()
    timeline = operator.get_by_role("region", name="Everything that happened")
    for words in ("A vehicle was plugged in.", "Charging ended (operator)"):
        await expect(timeline).to_contain_text(words)
    await keeps(operator, "demo-session")

    await operator.goto(f"{shown.web}/#/operate/fleet/demo-1/files")
    await operator.get_by_role("button", name="Request black box").click()
    await confirms(operator, "Request black box")
    await operator.get_by_role("link", name="Now").click()
    # The station keeps a recording when something goes wrong; nothing has, and it says so.
    commands = operator.get_by_role("region", name="Commands given")
    await expect(commands.get_by_role("row").filter(has_text="black box")).to_contain_text("Rejected")
    await keeps(operator, "demo-station")

    administrator = await opened(visits, shown.administrator)
    await administrator.get_by_role("link", name="Audit log").click()
    await expect(administrator.get_by_role("row").filter(has_text="CreateRemoteCommand").first).to_contain_text("ok")
    await administrator.get_by_role("button", name="Verify the chain").click()
    await expect(administrator.get_by_text("entries are as they were written")).to_be_visible()
    await keeps(administrator, "demo-audit")
