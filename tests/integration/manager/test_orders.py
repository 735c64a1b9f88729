"""What the back end orders reaches the shares: reservations and fleet caps, over the real stream."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from powerctl.app.manager_settings import ManagerSettings
from powerctl.core.ids import ConnectorId
from powerctl.core.order import (
    DropReservation,
    EndFleetCap,
    KeepReservation,
    SetFleetCap,
    StationAction,
    StationCommand,
)
from powerctl.core.record import CommandOutcome, CommandResult, GridEventKind
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.runtime.settings import TlsFiles
from powerctl.runtime.station import StationSettings
from tests.integration.manager.controller import ScriptedController, eventually
from tests.integration.manager.test_manager import _running, _shares, _two_cars

pytestmark = pytest.mark.integration


async def ordered(controller: ScriptedController, name: str, action: StationAction) -> CommandResult:
    """The station's answer."""
    await controller.order(StationCommand(name, datetime.now(UTC) + timedelta(seconds=30), action))
    await eventually(lambda: any(one.command_id == name for one in controller.answers))
    return next(one for one in controller.answers if one.command_id == name)


async def test_a_reservation_enters_the_shares_and_leaves_them(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    now = datetime.now(UTC)
    reservation = KeepReservation("r", ConnectorId(2), now, now + timedelta(hours=1), Power(14_000.0))
    async with _running(station, settings) as (manager, utility, _), _two_cars(manager, client_tls) as controller:
        await utility.limit(22000)
        await eventually(_shares(controller, 22000.0))
        assert (await ordered(controller, "keep", reservation)).outcome is CommandOutcome.ACCEPTED
        await eventually(lambda: controller.limit_w(2) >= 13_900.0, 60.0)
        first = controller.newest(1).reasons[0]
        assert (first.source, "reserved" in first.detail) == (LimitSource.SHARE, True)
        too_much = KeepReservation("x", ConnectorId(1), now, now + timedelta(hours=1), Power(14_000.0))
        refused = await ordered(controller, "more", too_much)
        assert (refused.outcome, "guarantee" in refused.detail) == (CommandOutcome.REJECTED, True)
        await ordered(controller, "drop", DropReservation("r"))
        await eventually(_shares(controller, 22000.0))


async def test_orders_outlive_the_manager(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    now = datetime.now(UTC)
    reservation = KeepReservation("r", ConnectorId(2), now, now + timedelta(hours=1), Power(14_000.0))
    async with _running(station, settings) as (manager, utility, _), _two_cars(manager, client_tls) as controller:
        await utility.limit(22000)
        await ordered(controller, "keep", reservation)
    async with _running(station, settings) as (manager, utility, _), _two_cars(manager, client_tls) as controller:
        await utility.limit(22000)
        await eventually(lambda: controller.limit_w(2) >= 13_900.0, 60.0)


async def test_a_fleet_cap_is_applied_complied_with_and_ends(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    cap = SetFleetCap("d", Power(8_000.0), None, end, 0.0, 0.0)
    async with _running(station, settings) as (manager, utility, _), _two_cars(manager, client_tls) as controller:
        await utility.limit(22000)
        await eventually(_shares(controller, 22000.0))
        assert (await ordered(controller, "cap", cap)).outcome is CommandOutcome.ACCEPTED
        await eventually(_shares(controller, 8000.0))
        wanted = {GridEventKind.RECEIVED, GridEventKind.APPLIED, GridEventKind.COMPLIED}
        await eventually(
            lambda: wanted <= {one.kind for one in controller.events() if one.source is LimitSource.AGGREGATOR}
        )
        await ordered(controller, "end", EndFleetCap("d"))
        await eventually(_shares(controller, 22000.0), 60.0)


async def test_a_late_order_is_not_carried_out(
    station: StationSettings, settings: ManagerSettings, client_tls: TlsFiles
) -> None:
    async with _running(station, settings) as (manager, _, _), _two_cars(manager, client_tls) as controller:
        await controller.order(StationCommand("old", datetime.now(UTC), EndFleetCap("d")))
        await eventually(lambda: bool(controller.answers))
        assert controller.answers[0].outcome is CommandOutcome.EXPIRED
