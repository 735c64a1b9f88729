"""What the station says of itself while it works, and how often (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from edge.chademo.status import Status
from edge.control.lease import Grant
from edge.control.transaction import OpenSession
from edge.hardware.ports import GridReading, Output, Register
from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId
from powerctl.core.record import ConnectorTelemetry, StationLimits, Telemetry
from powerctl.core.setpoint import Command, Limit, LimitSource, binding
from powerctl.core.units import ZERO_POWER, Energy, Power

PLUGGED_EVERY_S = 1.0
IDLE_EVERY_S = 60.0
AT_MOST_EVERY_S = 0.2
WHOLE_AMPERES = 1.0
"""A vehicle that asks for this much less than it is offered asks for all of it."""
NOTICEABLE_W = 10.0
"""A limit that moved by less is not news."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One connector at one instant."""

    connector: ConnectorId
    status: Status
    grant: Grant
    applied_sequence: int
    output: Output
    register: Register
    session: OpenSession | None
    has_lease_history: bool
    """False: no setpoint was ever taken."""
    lease_remaining_s: float = 0.0
    """Until the lease ends; 0: none holds."""
    derating: Limit | None = None
    """What the power stage can do now, when that is less than rated."""

    @property
    def limit(self) -> Power:
        """The limit in force: what is granted, within what cable and modules carry."""
        own = [bound.limit for bound in self._own_limits if bound.source is not LimitSource.VEHICLE]
        return max(ZERO_POWER, min([self.grant.limit, *own]))

    @property
    def reasons(self) -> tuple[Limit, ...]:
        """Why, lowest first; the vehicle's own wish included, unless it asks for all that it is told it may have."""
        own = [one for one in self._own_limits if not (self.wants_more and one.source is LimitSource.VEHICLE)]
        return binding([*self.grant.reasons, *own])

    @property
    def wants_more(self) -> bool:
        """True while the vehicle asks for all that is announced to it. Requests are whole amperes."""
        announced_a = self.status.available_current.a
        return announced_a > 0.0 and self.status.requested_current.a >= announced_a - WHOLE_AMPERES

    @property
    def max_power(self) -> Power:
        """The bound of vehicle and connector now."""
        return self.status.max_power if self.derating is None else min(self.status.max_power, self.derating.limit)

    @property
    def _own_limits(self) -> tuple[Limit, ...]:
        return self.status.own_limits if self.derating is None else (*self.status.own_limits, self.derating)

    @property
    def session_energy(self) -> Energy:
        """What has flowed since plug-in."""
        return self.session.energy(self.register) if self.session else Energy(0.0)


def connector_telemetry(snapshot: Snapshot) -> ConnectorTelemetry:
    """The live values of one connector."""
    status = snapshot.status
    return ConnectorTelemetry(
        connector=snapshot.connector,
        session=snapshot.session.session if snapshot.session else None,
        state=status.state,
        voltage=snapshot.output.voltage,
        current=snapshot.output.current,
        power=snapshot.output.power,
        soc_percent=status.soc_percent,
        session_energy=snapshot.session_energy,
        limit=snapshot.limit,
        reasons=snapshot.reasons,
        target=status.target,
        command=snapshot.grant.command if snapshot.has_lease_history else None,
        remaining_s=status.remaining_s,
    )


def telemetry(
    snapshots: Sequence[Snapshot], grid: GridReading | None, limits: StationLimits | None, *, manager_connected: bool
) -> Telemetry:
    """The live values of the station."""
    return Telemetry(
        ac_power=grid.power if grid else None,
        limits=limits if manager_connected else None,
        connectors=tuple(connector_telemetry(snapshot) for snapshot in snapshots),
        manager_connected=manager_connected,
    )


def connector_report(snapshot: Snapshot) -> ConnectorReport:
    """What the energy manager is told of one connector."""
    status = snapshot.status
    return ConnectorReport(
        connector=snapshot.connector,
        state=status.state,
        session=snapshot.session.session if snapshot.session else None,
        applied_sequence=snapshot.applied_sequence,
        committed=status.committed,
        voltage=snapshot.output.voltage,
        current=snapshot.output.current,
        target=status.target,
        min_power=status.min_power,
        max_power=snapshot.max_power,
        flexibility=status.flexibility,
        slope_a_s=status.slope_a_s,
        soc_percent=status.soc_percent,
        capacity=status.capacity,
        energy=snapshot.register.energy,
        session_energy=snapshot.session_energy,
        plug_in_time=snapshot.session.plug_in_time if snapshot.session else None,
        protocol_number=status.protocol_number,
        wants_more=snapshot.wants_more,
        obeys=status.obeys,
        reaction_s=status.reaction_s,
        min_current=status.min_current,
        pause_s=status.pause_s if snapshot.session else None,
        vehicle_rule=status.rule,
    )


def station_report(snapshots: Sequence[Snapshot], grid: GridReading | None, measure_time: datetime) -> StationReport:
    """What the energy manager is told of the station."""
    return StationReport(
        measure_time=measure_time,
        ac_power=grid.power if grid else None,
        ac_energy=grid.energy if grid else None,
        connectors=tuple(connector_report(snapshot) for snapshot in snapshots),
        frequency_hz=grid.frequency_hz if grid else None,
        ac_voltage=grid.voltage if grid else None,
    )


Fingerprint = tuple[tuple[int, LimitSource, Command], ...]


def fingerprint(snapshots: Sequence[Snapshot]) -> Fingerprint:
    """What makes a telemetry record news before its time: limits, who sets them, commands."""
    return tuple(
        (round(snapshot.limit.w / NOTICEABLE_W), snapshot.reasons[0].source, snapshot.grant.command)
        for snapshot in snapshots
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """When live values were last sent, and what they said."""

    sent_at: Monotonic | None = None
    said: Fingerprint = ()

    def is_due(self, now: Monotonic, news: Fingerprint, *, plugged: bool) -> bool:
        """True when live values should be sent at `now`."""
        if self.sent_at is None:
            return True
        age_s = now - self.sent_at
        if news != self.said and age_s >= AT_MOST_EVERY_S:
            return True
        return age_s >= (PLUGGED_EVERY_S if plugged else IDLE_EVERY_S)

    def sent(self, now: Monotonic, news: Fingerprint) -> Pace:
        """The pace after sending at `now`."""
        return replace(self, sent_at=now, said=news)


def is_plugged(snapshots: Sequence[Snapshot]) -> bool:
    """True while a plug is in an inlet."""
    return any(snapshot.session is not None for snapshot in snapshots)
