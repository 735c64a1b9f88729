"""The station as the energy manager and the cloud see it: all connectors together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NoReturn, Protocol

from edge.control.connector import Connector
from edge.control.recorder import Recorder
from edge.control.telemetry import (
    Pace,
    Snapshot,
    fingerprint,
    is_plugged,
    station_report,
    telemetry,
)
from edge.hardware.ports import GridReading, StationMeter
from powerctl.core.clock import Clock
from powerctl.core.demand import StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId
from powerctl.core.record import Record, StationLimits
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Setpoint
from powerctl.core.units import Power
from powerctl.runtime import log, metrics

RESTING: Final = (ConnectorState.AVAILABLE, ConnectorState.OCCUPIED, ConnectorState.FINISHED)
LOOK_EVERY_S: Final = 0.2

_log = log.get(__name__)


class Divisible(Protocol):
    """Power modules that two connectors share."""

    @property
    def switch_s(self) -> float | None:
        """How long power takes to change sides. None: it cannot."""
        ...

    def possible(self) -> tuple[Mapping[ConnectorId, Power], ...]:
        """Every division that the working modules can make."""
        ...


class Station:
    """All connectors, the grid meter, and what is said of them.

    Args:
        divisible: The power modules, where they say how power can be divided. None: any way.
    """

    def __init__(
        self,
        connectors: Mapping[ConnectorId, Connector],
        meter: StationMeter,
        recorder: Recorder,
        clock: Clock,
        divisible: Divisible | None = None,
    ) -> None:
        self._divisible = divisible
        self._connectors = connectors
        self._meter = meter
        self._recorder = recorder
        self._clock = clock
        self._pace = Pace()

    def stream_began(self) -> None:
        """A new stream from the energy manager."""
        for connector in self._connectors.values():
            connector.stream_began()

    def setpoint(self, setpoint: Setpoint) -> bool:
        """Take a setpoint; False: it is not news.

        Raises:
            RemoteError: There is no such connector.
        """
        connector = self._connectors.get(setpoint.connector)
        if connector is None:
            raise RemoteError(f"a setpoint for connector {setpoint.connector}, which this station does not have")
        return connector.setpoint(setpoint)

    def reset_alarms(self) -> None:
        """Release what may be released from afar; what was refused is told in the log."""
        for connector in self._connectors.values():
            refused = connector.reset_alarms()
            _log.info("alarm_reset_asked", connector=connector.id, refused=list(refused))

    def report(self) -> StationReport:
        """Everything that is measured, asked and guaranteed now."""
        report = station_report(self._snapshots(), self._meter.read(), self._clock.utc())
        if self._divisible is None:
            return report
        return replace(report, possible_splits=self._divisible.possible(), switch_s=self._divisible.switch_s)

    def is_energised(self) -> bool:
        """True while power flows or may begin to."""
        return any(connector.state not in RESTING for connector in self._connectors.values())

    def keep(self, record: Record, record_id: str) -> asyncio.Future[None]:
        """Store the energy manager's record."""
        return self._recorder.keep(record, record_id)

    def tell(self, limits: StationLimits | None, *, manager_connected: bool) -> None:
        """Record live values when they are due."""
        snapshots = self._snapshots()
        now, news = self._clock.monotonic(), fingerprint(snapshots)
        if self._pace.is_due(now, news, plugged=is_plugged(snapshots)):
            self._pace = self._pace.sent(now, news)
            self._recorder.telemetry(
                telemetry(snapshots, self._meter.read(), limits, manager_connected=manager_connected)
            )
            _show(snapshots, self._meter.read())

    def _snapshots(self) -> list[Snapshot]:
        return [connector.snapshot() for connector in self._connectors.values()]


def _show(snapshots: list[Snapshot], grid: GridReading | None) -> None:
    if grid is not None:
        metrics.gauge("edge_input_watts").set(grid.power.w)
    for snapshot in snapshots:
        label = str(snapshot.connector)
        metrics.gauge("edge_limit_watts").labels(label).set(snapshot.limit.w)
        metrics.gauge("edge_power_watts").labels(label).set(snapshot.output.power.w)
        metrics.gauge("edge_register_joules").labels(label).set(snapshot.register.energy.wh * 3600)
        metrics.gauge("edge_lease_remaining_seconds").labels(label).set(snapshot.lease_remaining_s)


class Manager(Protocol):
    """What the teller needs of the dispatch client."""

    is_connected: bool
    limits: StationLimits | None


async def tell_forever(station: Station, manager: Manager) -> NoReturn:
    """Record live values as they fall due, until cancelled."""
    while True:
        station.tell(manager.limits, manager_connected=manager.is_connected)
        await asyncio.sleep(LOOK_EVERY_S)
