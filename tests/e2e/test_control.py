"""The control room in a real browser over the real API; the test is the stations at the roadside."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from cloud.ingest.ports import StationBatch
from edge.control.uploads import CHUNK_BYTES, chunks
from powerctl.core.ids import StationId
from powerctl.core.order import (
    EndFleetCap,
    ResetConnector,
    SetFleetCap,
    StopCharging,
    UnlockConnector,
    UploadBlackBox,
)
from powerctl.core.record import CommandOutcome, CommandResult, GridEvent, GridEventKind
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from tests.e2e.browser import Visits
from tests.e2e.control import ADA, FAR, UMA, confirms, enters, keeps, limits, saved, settles
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import migrated
from tests.unit.cloud.stories import ANNA, OPAL, STATION, describes, telemetry
from tests.unit.cloud.world import EPOCH

BOX: Final = "".join(f"({number}.5) can0 109#00\n" for number in range(CHUNK_BYTES // 16))
"""More than one part, and not two whole ones."""
pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def api(tmp_path: Path) -> AsyncIterator[Cloud]:
    address = f"sqlite:///{tmp_path / 'cloud.db'}"
    await migrated(address)
    async with cloud(address) as running:
        await settles(running)
        yield running


async def opens(page: Page, link: str) -> None:
    await page.get_by_role("navigation", name="Control room").get_by_role("link", name=link).click()


async def test_the_fleet_is_sorted_filtered_and_searched(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL)
    rows = page.get_by_role("group", name="Fleet").get_by_role("row")
    await expect(rows).to_have_count(3)
    await expect(rows.nth(1)).to_contain_text("Alarms: 1")
    await expect(rows.nth(1)).to_contain_text("12 waiting, oldest")
    await expect(rows.nth(1)).to_contain_text("7.0\u00a0kW")
    await keeps(page, "fleet")
    await page.get_by_role("button", name="Last heard").click()
    await expect(page.get_by_role("columnheader", name="Last heard")).to_have_attribute("aria-sort", "ascending")
    await page.get_by_role("group", name="Show").get_by_role("button", name="Alarms").click()
    await expect(rows).to_have_count(2)
    await page.get_by_role("searchbox", name="Search name or version").fill("nowhere")
    await expect(page.get_by_text("No station fits")).to_be_visible()
    await page.get_by_role("searchbox", name="Search name or version").fill("")
    await page.get_by_role("group", name="Show").get_by_role("button", name="All").click()
    await api.world.store.commit(
        [StationBatch(StationId(f"s-{number:02}"), EPOCH, [api.world.entry(describes())]) for number in range(60)]
    )
    pages = page.get_by_role("navigation", name="Pages")
    await expect(pages).to_contain_text("1–50 of 62")
    await pages.get_by_role("button", name="Next").click()
    await expect(pages).to_contain_text("51–62 of 62")
    await expect(rows).to_have_count(13)
    await expect(pages.get_by_role("button", name="Next")).to_be_disabled()


async def test_an_operator_stops_and_the_driver_sees_it(visits: Visits, api: Cloud) -> None:
    driver = await visits.open(f"{api.web}/#signin={api.sign_in_token(ANNA)}&to=/stations/demo-1")
    await expect(driver.get_by_role("article", name="Left")).to_contain_text("10.2")
    page = await enters(visits, api, OPAL, "/operate/fleet/demo-1")
    left = page.get_by_role("article", name="Left")
    await expect(left).to_contain_text("10.2")
    await left.get_by_role("button", name="Stop").click()
    await confirms(page, "Stop")
    sent = api.notebook.sent[-1][1]
    assert isinstance(sent.action, StopCharging)
    await expect(page.get_by_text("FleetService/CreateRemoteCommand")).to_be_visible()
    await expect(page.get_by_role("region", name="Commands given").first).to_contain_text("On its way")
    await api.world.reports(CommandResult(sent.command_id, CommandOutcome.ACCEPTED, ""))
    await expect(page.get_by_role("region", name="Commands given").first).to_contain_text("Accepted")
    await expect(driver.get_by_role("article", name="Left")).to_contain_text("Stopping")
    await keeps(page, "station")


async def test_unlock_and_reset_are_asked_once_and_a_refusal_is_said(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/fleet/demo-1")
    right = page.get_by_role("article", name="Right")
    await right.get_by_role("button", name="Unlock").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert api.notebook.sent == []
    await right.get_by_role("button", name="Unlock").click()
    await confirms(page, "Unlock")
    unlock = api.notebook.sent[-1][1]
    assert isinstance(unlock.action, UnlockConnector)
    await api.world.reports(CommandResult(unlock.command_id, CommandOutcome.REJECTED, "The lock does not move."))
    await expect(page.get_by_role("region", name="Commands given").first).to_contain_text("The lock does not move.")
    await right.get_by_role("button", name="Reset").click()
    await confirms(page, "Reset")
    assert isinstance(api.notebook.sent[-1][1].action, ResetConnector)


async def test_an_alarm_says_what_to_do_and_who_looks_after_it(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/alarms")
    alarm = page.get_by_role("listitem").filter(has_text="insulation")
    await expect(alarm).to_contain_text("Send a technician")
    await alarm.get_by_text("Runbook").click()
    await expect(alarm).to_contain_text("Fetch the recording")
    await keeps(page, "alarms")
    await alarm.get_by_role("button", name="Acknowledge").click()
    await confirms(page, "Acknowledge", note="Technician at 15.")
    await expect(alarm).to_contain_text("Opal looks after it")
    await expect(alarm).to_contain_text("Technician at 15.")
    await alarm.get_by_role("link", name="The whole page").click()
    await expect(page.get_by_role("heading", name="An electrical fault")).to_be_visible()
    await keeps(page, "runbook")


async def test_a_tariff_is_drafted_and_published(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/tariffs")
    await page.get_by_role("button", name="New draft").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Name").fill("Evening")
    await form.get_by_label("Energy per kWh").fill("0,415")
    await form.get_by_label("Idling per hour").fill("6")
    await form.get_by_label("Held on the card").fill("50")
    await form.get_by_role("button", name="Save draft").click()
    draft = page.get_by_role("article", name="Evening")
    await expect(draft).to_contain_text("Draft")
    await expect(draft).to_contain_text("€0.415")
    await draft.get_by_role("button", name="Publish").click()
    await confirms(page, "Publish")
    await expect(draft).to_contain_text("In force")
    await keeps(page, "tariffs")


async def test_what_is_desired_differs_from_what_is_reported(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/fleet/demo-1/configuration")
    row = page.get_by_role("row").filter(has_text="station.rating_w")
    await row.get_by_role("button", name="Set desired").click()
    await confirms(page, "Set desired", note="11000")
    await expect(row).to_contain_text("Differs")
    await page.get_by_role("button", name="Only what differs").click()
    await expect(page.get_by_role("row")).to_have_count(2)
    await keeps(page, "configuration")


async def test_a_black_box_is_asked_for_and_taken_home(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/fleet/demo-1/files")
    await page.get_by_role("button", name="Request black box").click()
    await confirms(page, "Request black box")
    asked = api.notebook.sent[-1][1].action
    assert isinstance(asked, UploadBlackBox)
    first, second = chunks(asked.upload, "box.zip", BOX.encode())
    await api.world.reports(first)
    row = page.get_by_role("row").filter(has_text="box.zip")
    await expect(row).to_contain_text("Arriving")
    await expect(row.get_by_role("button", name="Download")).to_be_disabled()
    await api.world.reports(second)
    await expect(row).to_contain_text("Complete")
    assert await saved(page, "Download") == BOX
    await keeps(page, "files")


async def test_a_connector_is_reserved_and_given_back(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/reservations")
    await page.get_by_role("button", name="New reservation").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Connector").select_option("Harbour · left")
    await form.get_by_label("Power").fill("5")
    await form.get_by_role("button", name="Continue").click()
    await confirms(page, "New reservation")
    row = page.get_by_role("row").filter(has_text="5.0\u00a0kW")
    await expect(row).to_contain_text("The station has not answered yet.")
    await row.get_by_role("button", name="Cancel reservation").click()
    await confirms(page, "Cancel reservation")
    await expect(row.get_by_role("button")).to_have_count(0)
    await keeps(page, "reservations")


async def test_a_session_is_told_event_by_event(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, OPAL, "/operate/sessions")
    await page.get_by_role("row").nth(1).get_by_role("link").first.click()
    timeline = page.get_by_role("region", name="Everything that happened")
    for words in (
        "A vehicle was plugged in.",
        "Charging began at 1.000 kWh of the meter.",
        "The connector is charging",
    ):
        await expect(timeline).to_contain_text(words)
    await keeps(page, "session")


async def test_an_administrator_makes_people_and_reads_what_was_done(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, ADA)
    await page.get_by_role("button", name="New person").first.click()
    form = page.get_by_role("dialog")
    await form.get_by_label("User name").fill("olli")
    await form.get_by_label("Name", exact=True).fill("Olli Operator")
    await form.get_by_role("button", name="Continue").click()
    await confirms(page, "New person")
    secret = page.get_by_role("region", name="Hand this over now")
    await expect(secret).to_contain_text("otpauth://totp/")
    row = page.get_by_role("row").filter(has_text="Olli Operator")
    await row.get_by_role("button", name="Disable").click()
    await confirms(page, "Disable")
    await expect(row).to_contain_text("Disabled")
    await opens(page, "Audit log")
    await page.get_by_role("search").get_by_label("What").fill("createuser")
    await page.get_by_role("search").get_by_role("button", name="Search").click()
    await expect(page.get_by_role("row").filter(has_text="UserService/UpdateUser")).to_have_count(0)
    await expect(page.get_by_role("row").filter(has_text="UserService/CreateUser")).to_contain_text("olli")
    await page.get_by_role("button", name="Verify the chain").click()
    await expect(page.get_by_text("entries are as they were written")).to_be_visible()
    await keeps(page, "audit")


async def test_the_utility_sees_what_it_asked_and_takes_the_evidence_home(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, UMA, "/utility")
    row = page.get_by_role("row").filter(has_text="DSO")
    for words in ("11.0\u00a0kW", "Complied", "10.9\u00a0kW", "0.94\u00a0s"):
        await expect(row).to_contain_text(words)
    await keeps(page, "grid")
    table = list(csv.reader(io.StringIO(await saved(page, "Export CSV"))))
    assert len(table) == 4
    lines = (await saved(page, "Export JSON")).splitlines()
    assert len([json.loads(line) for line in lines]) == 3
    await page.get_by_role("button", name="Flexibility").click()
    await expect(page.get_by_role("group", name="Flexibility").last).to_contain_text("7.0\u00a0kW")
    await keeps(page, "flexibility")


async def test_a_group_is_capped_watched_and_released(visits: Visits, api: Cloud) -> None:
    await api.world.reports(telemetry(limits=limits()), station=FAR)
    page = await enters(visits, api, UMA, "/utility")
    await page.get_by_role("button", name="Fleet caps").click()
    await page.get_by_role("button", name="Cap the fleet").click()
    form = page.get_by_role("dialog", name="Cap the fleet")
    filled = {
        "All together (kW)": "20",
        "For (minutes)": "30",
        "Return within (minutes)": "5",
        "Stations": "demo-1, far-1",
    }
    for label, value in {**filled, "Rise together": "6", "Why": "Feeder 7"}.items():
        await form.get_by_label(label).fill(value)
    await form.get_by_role("button", name="Continue").click()
    await confirms(page, "Cap the fleet")
    sent = dict(api.notebook.sent)
    orders = {station: command.action for station, command in sent.items()}
    assert orders.keys() == {STATION, FAR}
    for order in orders.values():
        assert isinstance(order, SetFleetCap)
        assert (order.cap.w, order.return_within_s, order.ramp_up_w_s) == (10_000.0, 300.0, 50.0)
    panel = page.get_by_role("region").filter(has_text="Feeder 7")
    await expect(panel).to_contain_text("within 5 min")
    rows = panel.get_by_role("row")
    await expect(rows.filter(has_text="demo-1")).to_contain_text("On its way")
    at, part = api.world.clock.utc(), Power(10_000.0)
    await api.world.reports(
        CommandResult(sent[STATION].command_id, CommandOutcome.ACCEPTED, ""),
        GridEvent(GridEventKind.APPLIED, LimitSource.AGGREGATOR, part, None, at, ""),
        GridEvent(GridEventKind.COMPLIED, LimitSource.AGGREGATOR, part, Power(9_800.0), at, ""),
    )
    refused = CommandResult(sent[FAR].command_id, CommandOutcome.REJECTED, "The clock is not trusted.")
    await api.world.reports(refused, station=FAR)
    await expect(rows.filter(has_text="demo-1")).to_contain_text("9.8\u00a0kW")
    await expect(rows.filter(has_text="far-1")).to_contain_text("The clock is not trusted.")
    await keeps(page, "fleet-cap")
    await panel.get_by_role("button", name="End this cap").click()
    await confirms(page, "End this cap")
    await expect(panel).to_contain_text("Ended early")
    assert [type(command.action) for _, command in api.notebook.sent[2:]] == [EndFleetCap, EndFleetCap]


async def test_what_is_not_for_a_role_is_not_shown(visits: Visits, api: Cloud) -> None:
    page = await visits.open(f"{api.web}/#signin={api.sign_in_token(ANNA)}&to=/operate")
    await expect(page.get_by_role("heading", name="This is not for your role")).to_be_visible()
    utility = await enters(visits, api, UMA, "/utility")
    nav = utility.get_by_role("navigation", name="Control room")
    await expect(nav.get_by_role("link")).to_have_text(["Grid", "Approvals", "Audit log"])
