"""The page and the real API together; the test is the station at the roadside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from cloud.domain.principal import Principal
from powerctl.core.order import StartCharging, StationCommand, StopCharging
from powerctl.core.record import Body, CommandOutcome, CommandResult
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power
from tests.e2e.browser import Visits
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import migrated
from tests.unit.cloud.stories import (
    ANNA,
    BERT,
    OPAL,
    began,
    describes,
    dso_cap,
    live,
    over,
    plugged,
    reading,
    says,
    telemetry,
    unplugged,
)

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

DIP: Final = Limit(LimitSource.DSO, Power(3_800.0), "Set over Modbus.", None)


@pytest_asyncio.fixture(loop_scope="module")
async def api(tmp_path: Path) -> AsyncIterator[Cloud]:
    address = f"sqlite:///{tmp_path / 'cloud.db'}"
    await migrated(address)
    async with cloud(address) as running:
        await running.world.reports(describes())
        yield running


async def enter(visits: Visits, api: Cloud, who: Principal) -> Page:
    page = await visits.open(f"{api.web}/#signin={api.sign_in_token(who)}")
    await expect(page.get_by_role("heading", name="Harbour")).to_be_visible()
    return page


def left(page: Page) -> Locator:
    return page.get_by_role("article", name="Left")


async def asks(api: Cloud, page: Page, button: str) -> StationCommand:
    """Press a button of the left connector; what the station is then told."""
    async with page.expect_response(lambda response: response.url.endswith(("/StartSession", "/StopSession"))):
        await left(page).get_by_role("button", name=button).click()
    return api.notebook.sent[-1][1]


async def starts(api: Cloud, page: Page) -> None:
    """The driver starts what is plugged in, and the station does it."""
    await api.world.reports(*plugged())
    command = await asks(api, page, "Start charging")
    await expect(left(page).get_by_role("button", name="Starting")).to_be_visible()
    assert isinstance(command.action, StartCharging)
    accepted = CommandResult(command.command_id, CommandOutcome.ACCEPTED, "")
    running: tuple[Body, ...] = (began(wh=1_000), says(ConnectorState.CHARGING), telemetry(live(kw=9.8, limit_kw=10.0)))
    await api.world.reports(accepted, *running)
    await expect(left(page).get_by_role("button", name="Stop charging")).to_be_visible()


async def test_from_the_plug_to_the_receipt(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, ANNA)
    await starts(api, page)
    await api.world.reports(telemetry(live(kw=3.6, limit_kw=3.8, wh=2_500, reasons=(DIP,)), limits=dso_cap(4.2)))
    await expect(left(page)).to_contain_text("the grid operator limits the station to 4.2 kW")
    await expect(left(page)).to_contain_text("2.50 kWh")
    await expect(page.get_by_role("region", name="The station may draw")).to_contain_text("4.2")

    command = await asks(api, page, "Stop charging")
    await expect(left(page).get_by_role("button", name="Stopping")).to_be_visible()
    assert isinstance(command.action, StopCharging)
    accepted = CommandResult(command.command_id, CommandOutcome.ACCEPTED, "")
    await api.world.reports(accepted, over(reading(1_000, 1), reading(13_345, 40)), says(ConnectorState.FINISHED))
    await left(page).get_by_role("link", name="Show receipt").click()
    paper = page.get_by_role("article")
    for words in ("€6.05", "12.345 kWh", "1,000 Wh", "13,345 Wh", "Simulated: nothing was sold."):
        await expect(paper).to_contain_text(words)
    await api.world.reports(*unplugged())
    await page.get_by_role("link", name="All sessions").click()
    await expect(page.get_by_role("article")).to_have_count(0)
    await expect(page.get_by_role("row").filter(has_text="€6.05")).to_contain_text("Completed")


async def test_two_people_see_what_is_theirs_to_see(visits: Visits, api: Cloud) -> None:
    owner = await enter(visits, api, ANNA)
    other, operator = await enter(visits, api, BERT), await enter(visits, api, OPAL)
    await starts(api, owner)
    await expect(left(other)).to_contain_text("In use by somebody else")
    await expect(left(other).get_by_text("Energy", exact=True)).to_have_count(0)
    await left(operator).get_by_role("button", name="Stop charging").click()
    await operator.get_by_role("dialog").get_by_role("button", name="Stop charging").click()
    await expect(left(owner).get_by_role("button", name="Stopping")).to_be_visible()


async def test_what_the_station_refused_is_said(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, ANNA)
    await api.world.reports(*plugged())
    command = await asks(api, page, "Start charging")
    refused = CommandResult(command.command_id, CommandOutcome.REJECTED, "The disk of the station is full.")
    await api.world.reports(refused)
    await expect(left(page).get_by_role("alert")).to_contain_text("The disk of the station is full.")
    await expect(left(page).get_by_role("button", name="Start charging")).to_be_enabled()


async def test_a_link_works_once(visits: Visits, api: Cloud) -> None:
    token = api.sign_in_token(ANNA)
    first = await visits.open(f"{api.web}/#signin={token}")
    await expect(first.get_by_role("heading", name="Harbour")).to_be_visible()
    second = await visits.open(f"{api.web}/#signin={token}")
    await expect(second.get_by_role("heading", name="That sign-in link did not work")).to_be_visible()


async def test_signing_out_ends_the_session_for_good(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, ANNA)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="You have signed out")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="How would you like to charge?")).to_be_visible()
