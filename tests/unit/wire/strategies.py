"""Values as they may legally travel, for property tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from powerctl.core.fault import Fault
from powerctl.core.health import ConfigurationReported, FileChunk, StationHealth
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.order import (
    DropReservation,
    EndFleetCap,
    KeepReservation,
    ResetConnector,
    SetFleetCap,
    StartCharging,
    StationCommand,
    StopCharging,
    UnlockConnector,
    UploadBlackBox,
)
from powerctl.core.record import (
    Body,
    ClockStatus,
    CommandOutcome,
    CommandResult,
    ConnectorDescription,
    ConnectorStatusChanged,
    ConnectorTelemetry,
    FaultCleared,
    FaultRaised,
    FlexibilitySpan,
    GridEvent,
    GridEventKind,
    LinkReport,
    MeterReading,
    PlanState,
    PlanStatus,
    Record,
    SecurityEvent,
    SessionClosed,
    SessionOpened,
    SignalClass,
    SignedMeterRecord,
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

TEXTS = st.text(max_size=60)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True)
SESSIONS = st.uuids().map(lambda value: SessionId(str(value)))
CONNECTORS = st.integers(1, 64).map(ConnectorId)
INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
POWERS = st.floats(0, 1e8).map(Power)
MEASURED = st.floats(-1e6, 1e6).map(Power)
LIMITS = st.builds(Limit, st.sampled_from(LimitSource), POWERS, TEXTS, st.none() | INSTANTS)
READINGS = st.builds(MeterReading, TEXTS, st.integers(0, 10**12), INSTANTS, st.booleans(), st.sampled_from(ClockStatus))

STARTED = st.builds(
    StationStarted,
    boot_id=TEXTS,
    software_version=TEXTS,
    connectors=st.lists(
        st.builds(
            ConnectorDescription, CONNECTORS, st.sampled_from(ConnectorType), POWERS, st.sampled_from(["left", "right"])
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda found: found.connector,
    ).map(tuple),
    display_name=TEXTS,
    address=TEXTS,
    latitude=st.none() | st.floats(-90, 90),
    longitude=st.none() | st.floats(-180, 180),
    simulated=st.booleans(),
)
LIVE = st.builds(
    ConnectorTelemetry,
    connector=CONNECTORS,
    session=st.none() | SESSIONS,
    state=st.sampled_from(ConnectorState),
    voltage=st.floats(0, 1e3).map(Voltage),
    current=st.floats(-500, 500).map(Current),
    power=MEASURED,
    soc_percent=st.none() | st.floats(0, 100),
    session_energy=st.floats(0, 1e6).map(Energy),
    limit=POWERS,
    reasons=st.lists(LIMITS, max_size=3).map(tuple),
    target=POWERS,
    command=st.none() | st.sampled_from(Command),
    remaining_s=st.none() | st.floats(0, 1e6),
)
_COUNTED_W = st.integers(0, 10**6)
STATION_LIMITS = st.builds(
    StationLimits,
    POWERS,
    st.sampled_from(LimitSource),
    TEXTS,
    st.none() | INSTANTS,
    st.lists(LIMITS, max_size=3).map(tuple),
    st.none() | st.builds(PlanStatus, st.sampled_from(PlanState), TEXTS, INSTANTS),
    st.lists(
        st.builds(
            FlexibilitySpan,
            st.integers(0, 86_400),
            _COUNTED_W,
            _COUNTED_W,
            _COUNTED_W,
            st.integers(0, 100),
            st.none() | _COUNTED_W,
            st.none() | _COUNTED_W,
        ),
        max_size=5,
    ).map(tuple),
    st.lists(st.floats(-1000, 1000, width=32), max_size=24).map(tuple),
    st.sampled_from(("", "EUR")),
)
TELEMETRY = st.builds(
    Telemetry,
    ac_power=st.none() | MEASURED,
    limits=st.none() | STATION_LIMITS,
    connectors=st.lists(LIVE, max_size=2, unique_by=lambda live: live.connector).map(tuple),
    manager_connected=st.booleans(),
)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
BODIES: st.SearchStrategy[Body] = st.one_of(
    STARTED,
    st.builds(ConnectorStatusChanged, CONNECTORS, st.sampled_from(ConnectorState), st.none() | SESSIONS, TEXTS),
    st.builds(SessionOpened, SESSIONS, CONNECTORS),
    st.builds(TransactionStarted, SESSIONS, CONNECTORS, READINGS, st.just("") | IDS),
    st.builds(
        TransactionEnded,
        SESSIONS,
        CONNECTORS,
        READINGS,
        st.sampled_from(StopReason),
        TEXTS,
        st.none() | READINGS,
        st.none() | INSTANTS,
        st.integers(0, 10**6),
    ),
    st.builds(SessionClosed, SESSIONS, CONNECTORS),
    TELEMETRY,
    st.builds(FaultRaised, CONNECTORS, st.builds(Fault, IDS, TEXTS, st.booleans())),
    st.builds(FaultCleared, CONNECTORS, IDS),
    st.builds(CommandResult, IDS, st.sampled_from(CommandOutcome), TEXTS),
    st.builds(
        LinkReport, st.sampled_from(SignalClass), st.none() | st.integers(-140, -30), st.none() | st.integers(0, 99)
    ),
    st.builds(SecurityEvent, IDS, TEXTS, INSTANTS),
    st.builds(
        GridEvent,
        st.sampled_from(GridEventKind),
        st.sampled_from(LimitSource),
        POWERS,
        st.none() | MEASURED,
        INSTANTS,
        TEXTS,
    ),
    st.builds(
        StationHealth,
        st.just("") | IDS,
        st.integers(0, 10**9),
        st.none() | INSTANTS,
        st.none() | INSTANTS,
        st.just("") | DIGESTS,
        st.none() | st.floats(-1e6, 1e6),
    ),
    st.builds(ConfigurationReported, DIGESTS, st.dictionaries(IDS, TEXTS, max_size=4)),
    st.builds(SignedMeterRecord, IDS, IDS, st.binary(min_size=1, max_size=99)),
    st.builds(FileChunk, IDS, IDS, st.integers(0, 9), st.integers(10, 20), st.binary(max_size=99), DIGESTS),
)
RECORDS = st.builds(Record, INSTANTS, BODIES)


def _kept(name: str, connector: ConnectorId, start: datetime, power: Power) -> KeepReservation:
    return KeepReservation(name, connector, start, start + timedelta(hours=1), power)


COMMANDS = st.builds(
    StationCommand,
    IDS,
    INSTANTS,
    st.one_of(
        st.builds(StartCharging, SESSIONS, CONNECTORS),
        st.builds(StopCharging, SESSIONS, CONNECTORS, st.sampled_from(StopReason)),
        st.builds(_kept, IDS, CONNECTORS, INSTANTS, POWERS),
        st.builds(DropReservation, IDS),
        st.builds(
            SetFleetCap, IDS, POWERS, st.none() | INSTANTS, INSTANTS, st.integers(0, 1800).map(float), st.floats(0, 1e6)
        ),
        st.builds(EndFleetCap, IDS),
        st.builds(UnlockConnector, CONNECTORS),
        st.builds(ResetConnector, CONNECTORS),
        st.builds(UploadBlackBox, IDS, st.just("") | SESSIONS),
    ),
)
