"""A fleet for the control room's tests: the real API, and the test is the stations at the roadside."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Final

from playwright.async_api import Page, expect

from cloud.domain.principal import Principal, Role
from powerctl.core.fault import Fault
from powerctl.core.health import ConfigurationReported, StationHealth
from powerctl.core.ids import StationId
from powerctl.core.record import (
    Body,
    CommandOutcome,
    CommandResult,
    FaultRaised,
    GridEvent,
    GridEventKind,
    LinkReport,
    SignalClass,
    StationLimits,
)
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power
from powerctl.wire.batch import encode_record
from tests.e2e.browser import DESKTOP, Visits
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import ANNA, LEFT, NOON, RIGHT, STATION, began, describes, live, plugged, says, telemetry

UMA: Final = Principal("uma", "Uma", Role.UTILITY)
ADA: Final = Principal("ada", "Ada", Role.ADMIN)
FAR: Final = StationId("far-1")
PICTURES: Final = Path(__file__).resolve().parents[2] / "build" / "pictures"
CONFIGURATION: Final = {
    "station.rating_w": "22000",
    "station.display_name": '"Harbour"',
    "manager.grid.slots.0.failsafe_w": "4200",
    "manager.allocation.ramp_up_w_s": "600",
    "controller.connector.1.max_current_a": "65",
}


def limits() -> StationLimits:
    """The grid operator binds below a schedule and the rating."""
    sources = (
        Limit(LimitSource.DSO, Power(11_000.0), "Set over Modbus.", NOON + timedelta(minutes=20)),
        Limit(LimitSource.SCHEDULE, Power(16_500.0), "The evening's profile.", None),
        Limit(LimitSource.HARDWARE, Power(22_000.0), "The station's rating.", None),
    )
    return StationLimits(Power(11_000.0), LimitSource.DSO, "Set over Modbus.", None, sources)


async def settles(api: Cloud) -> None:
    """Two stations: one busy under a cap and with a fault, one that has just started."""
    api.world.clock.advance(30)
    at = api.world.clock.utc()
    health = StationHealth("0.2.0", 12, at - timedelta(seconds=95), NOON + timedelta(days=61), "ab" * 32, 0.012)
    dso = Limit(LimitSource.DSO, Power(11_000.0), "Set over Modbus.", None)
    await api.world.reports(
        describes(), health, ConfigurationReported("ab" * 32, CONFIGURATION), LinkReport(SignalClass.GOOD, -79, 17)
    )
    await tells(api, *plugged())
    await api.charging.start(STATION, LEFT, str(uuid.uuid4()), ANNA)
    began_by_anna = CommandResult(api.notebook.sent.pop()[1].command_id, CommandOutcome.ACCEPTED, "")
    await tells(api, began_by_anna, began(), says(ConnectorState.CHARGING))
    await api.world.reports(
        telemetry(
            live(kw=10.2, limit_kw=10.4, wh=4_310, reasons=(dso,)),
            live(RIGHT, kw=0, session=None, state=ConnectorState.FAULTED, command=None),
            limits=limits(),
        )
    )
    await api.world.reports(FaultRaised(RIGHT, Fault("insulation", "180 kΩ, 500 kΩ are needed.", latched=True)))
    for kind, measured, later_s in (
        (GridEventKind.RECEIVED, None, 0.0),
        (GridEventKind.APPLIED, None, 0.21),
        (GridEventKind.COMPLIED, Power(10_870.0), 0.94),
    ):
        when = at - timedelta(seconds=20) + timedelta(seconds=later_s)
        await api.world.reports(GridEvent(kind, LimitSource.DSO, Power(11_000.0), measured, when, "Set over Modbus."))
    await api.world.reports(describes(), LinkReport(SignalClass.MARGINAL, -101, 6), station=FAR)


async def tells(api: Cloud, *bodies: Body) -> None:
    """The station reports these as its records lie on the wire, so that they can be read as events."""
    entries = [api.world.entry(body) for body in bodies]
    await api.world.commits([one._replace(payload=encode_record(one.record)) for one in entries])


async def enters(
    visits: Visits,
    api: Cloud,
    who: Principal,
    page: str = "/operate",
    *,
    size: tuple[int, int] = DESKTOP,
    theme: str = "light",
) -> Page:
    """A page of somebody who works here."""
    context = {"color_scheme": theme, "accept_downloads": True}
    opened = await visits.open(f"{api.web}/#signin={api.sign_in_token(who)}&to={page}", size=size, **context)
    opened.set_default_timeout(30_000)
    await expect(opened.get_by_role("navigation", name="Control room")).to_be_visible(timeout=30_000)
    return opened


async def keeps(page: Page, name: str) -> None:
    """Keep a picture of the page as it is, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURES / f"control-{name}.png", full_page=True)


async def saved(page: Page, button: str) -> str:
    """The text of the file that a button gives to the browser."""
    async with page.expect_download() as taken:
        await page.get_by_role("button", name=button).click()
    path = await (await taken.value).path()
    return await asyncio.to_thread(Path(path).read_text)


async def confirms(page: Page, button: str, *, note: str = "") -> None:
    """Answer the question that is asked, and see the entry of the audit log."""
    dialog = page.get_by_role("dialog").last
    if note:
        await dialog.get_by_role("textbox").fill(note)
    await dialog.get_by_role("button", name=button, exact=True).click()
    await expect(page.get_by_role("dialog")).to_have_count(0, timeout=30_000)
    await expect(page.get_by_text("Audit entry")).to_be_visible(timeout=30_000)


__all__ = ["ADA", "CONFIGURATION", "FAR", "LEFT", "UMA", "confirms", "enters", "keeps", "limits", "saved", "settles"]
