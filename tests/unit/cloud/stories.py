"""What a station at the roadside reports, for the cloud's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from cloud.domain.principal import Principal, Role
from cloud.domain.tariff import Tariff
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.record import (
    Body,
    ClockStatus,
    ConnectorDescription,
    ConnectorStatusChanged,
    ConnectorTelemetry,
    MeterReading,
    Record,
    SessionClosed,
    SessionOpened,
    StationLimits,
    StationStarted,
    Telemetry,
    TransactionEnded,
    TransactionStarted,
)
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.topology import ConnectorType
from powerctl.core.units import Current, Energy, Power, Voltage

STATION = StationId("demo-1")
LEFT, RIGHT = ConnectorId(1), ConnectorId(2)
SESSION = SessionId("8f14e45f-ceea-4e67-9b3a-0a1d5e6f7a81")
NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
TARIFF = Tariff("Day", "EUR", Decimal("0.49"))
ANNA = Principal("anna", "Anna", Role.DRIVER)
BERT = Principal("bert", "Bert", Role.DRIVER)
OPAL = Principal("opal", "Opal", Role.OPERATOR)


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def reading(
    wh: int, minutes: float, *, serial: str = "M1", valid: bool = True, clock: ClockStatus = ClockStatus.SYNCHRONISED
) -> MeterReading:
    """A reading of the meter."""
    return MeterReading(serial, wh, at(minutes), valid, clock)


def began(wh: int = 1_000, minutes: float = 1, *, session: SessionId = SESSION) -> TransactionStarted:
    """Metering began."""
    return TransactionStarted(session, LEFT, reading(wh, minutes), "")


def over(
    start: MeterReading | None, end: MeterReading, *, session: SessionId = SESSION, detail: str = ""
) -> TransactionEnded:
    """Metering ended."""
    return TransactionEnded(
        session, LEFT, end, StopReason.DRIVER, detail, start, start.read_time if start else None, idle_s=0
    )


def describes(simulated: bool = True) -> StationStarted:
    """The station describes itself."""
    kinds = ((LEFT, "left"), (RIGHT, "right"))
    return StationStarted(
        boot_id="boot",
        software_version="0.1.0",
        connectors=tuple(
            ConnectorDescription(number, ConnectorType.CHADEMO, Power(22_000.0), place) for number, place in kinds
        ),
        display_name="Harbour",
        address="Quay 1",
        latitude=60.1,
        longitude=24.9,
        simulated=simulated,
    )


def says(
    state: ConnectorState, *, connector: ConnectorId = LEFT, session: SessionId | None = SESSION, detail: str = ""
) -> ConnectorStatusChanged:
    """The connector's state changed."""
    return ConnectorStatusChanged(connector, state, session, detail)


def plugged(session: SessionId = SESSION, connector: ConnectorId = LEFT) -> tuple[Body, ...]:
    """A vehicle was plugged in."""
    return SessionOpened(session, connector), says(ConnectorState.OCCUPIED, session=session, connector=connector)


def unplugged(session: SessionId = SESSION, connector: ConnectorId = LEFT) -> tuple[Body, ...]:
    """The vehicle was unplugged."""
    return SessionClosed(session, connector), says(ConnectorState.AVAILABLE, session=None, connector=connector)


def live(
    connector: ConnectorId = LEFT,
    *,
    kw: float = 6.1,
    limit_kw: float | None = None,
    target_kw: float = 20.0,
    reasons: tuple[Limit, ...] = (),
    session: SessionId | None = SESSION,
    wh: float = 0.0,
    state: ConnectorState = ConnectorState.CHARGING,
    command: Command | None = Command.RUN,
) -> ConnectorTelemetry:
    """Live values of one connector."""
    limit = Power.from_kw(kw if limit_kw is None else limit_kw)
    return ConnectorTelemetry(
        connector=connector,
        session=session,
        state=state,
        voltage=Voltage(400.0),
        current=Power.from_kw(kw).at(Voltage(400.0)) if kw else Current(0.0),
        power=Power.from_kw(kw),
        soc_percent=55.0,
        session_energy=Energy(wh),
        limit=limit,
        reasons=reasons,
        target=Power.from_kw(target_kw),
        command=command,
        remaining_s=None,
    )


def telemetry(*connectors: ConnectorTelemetry, limits: StationLimits | None = None) -> Telemetry:
    """Live values of the station."""
    return Telemetry(Power(7_000.0), limits, connectors, manager_connected=True)


def dso_cap(kw: float, until: datetime | None = None) -> StationLimits:
    """The grid operator limits the station."""
    limit = Limit(LimitSource.DSO, Power.from_kw(kw), "LimW", until)
    return StationLimits(limit.limit, limit.source, limit.detail, until, (limit,))


def record(body: Body, minutes: float = 0) -> Record:
    """The body as an entry of the outbox."""
    return Record(at(minutes), body)
