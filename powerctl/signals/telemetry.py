"""What the station tells the grid: measured values and status, as register values by path. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Final

from powerctl.core.clock import Monotonic
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Command, LimitSource
from powerctl.core.units import ZERO_POWER, Power
from powerctl.signals.arbitration import GridState
from powerctl.signals.vendor import CONNECTORS, STATION_STATES

Scaled = dict[str, float | None]
"""Quantities in the unit of their point; None: not known, reads as *not implemented*."""

SOURCE_NUMBERS: Final = {source: number for number, source in enumerate(LimitSource, start=1)}
STATE_NUMBERS: Final = {state: number for number, state in enumerate(ConnectorState)}
_STATION: Final = dict(STATION_STATES)
ACTIVE: Final = frozenset({ConnectorState.STARTING, ConnectorState.CHARGING, ConnectorState.STOPPING})
INVERTER: Final = {"IDLE": 7, "CHARGING": 3, "LIMITED": 4, "PAUSED": 7, "EMERGENCY": 7, "FAULTED": 6}
"""701.InvSt of each state: RUNNING, THROTTLED, FAULT or STANDBY."""
PORT_ERROR: Final = 3
"""714.DCSta; OFF and ON are 0 and 1."""
MAX_W_BIT: Final = 1
"""701.ThrotSrc."""
MANUFACTURER_ALARM: Final = 1 << 16
"""701.Alrm: what it is stands in MnAlrmInfo."""
TOLERANCE_W: Final = 200.0
TOLERANCE: Final = 0.02
"""The envelope of architecture rule 4: the larger of 2 % and 200 W."""
GRACE_S: Final = 1.0
"""Beyond the settle time, for the meter's own delay."""


def within(measured: Power, cap: Power) -> bool:
    """True if `measured` is under the cap's envelope."""
    return measured.w <= cap.w + max(TOLERANCE * cap.w, TOLERANCE_W)


class Phase(IntEnum):
    """The values of 64301.Cmply."""

    NONE = 0
    SETTLING = 1
    COMPLIANT = 2
    VIOLATED = 3


@dataclass(frozen=True, slots=True)
class Compliance:
    """Whether the newest decrease has been met, by measurement."""

    phase: Phase = Phase.NONE
    asked_at: Monotonic | None = None
    """When the newest decrease was accepted. None: there was none."""
    took_ms: int | None = None
    """From the decrease to the first measurement under the envelope. None: not yet."""


def asked(now: Monotonic) -> Compliance:
    """A decrease was accepted."""
    return Compliance(Phase.SETTLING, now)


def observed(compliance: Compliance, measured: Power, state: GridState, now: Monotonic) -> Compliance:
    """`compliance` after a measurement of AC power."""
    if compliance.asked_at is None:
        return compliance
    passed = now - compliance.asked_at
    if within(measured, state.cap):
        took = round(1000 * passed) if compliance.took_ms is None else compliance.took_ms
        return replace(compliance, phase=Phase.COMPLIANT, took_ms=took)
    return replace(compliance, phase=Phase.VIOLATED) if passed > state.settle_s + GRACE_S else compliance


def measurement(report: StationReport, granted: Mapping[ConnectorId, Power]) -> Scaled:
    """The measured points of 701, 64301 and 64302.

    Args:
        report: The newest report of the controller.
        granted: DC power granted to each connector; absent: nothing known.
    """
    power = None if report.ac_power is None else report.ac_power.w
    values: Scaled = {
        "701.W": None if power is None else -power,
        "701.LNV": None if report.ac_voltage is None else report.ac_voltage.v,
        "701.Hz": report.frequency_hz,
        "701.TotWhAbs": None if report.ac_energy is None else report.ac_energy.wh,
        "64301.W": power,
        "64301.Hz": report.frequency_hz,
        "64301.WhAbs": None if report.ac_energy is None else report.ac_energy.wh,
        "64301.WhInj": 0.0,
        "64301.TgtW": sum(connector.target.w for connector in report.connectors),
        "64301.MinW": sum(c.min_power.w for c in report.connectors if c.state in ACTIVE),
    }
    connectors = [connector for connector in report.connectors if 1 <= connector.connector <= CONNECTORS]
    values |= _ports(connectors)
    for connector in connectors:
        values.update(_connector(connector, granted.get(connector.connector)))
        values.update(_port(connector))
    return values


def alarms(report: StationReport) -> dict[str, int | str | None]:
    """The alarm points of 701 and 714, raw: which connectors are out of order."""
    faulted = [one.connector for one in report.connectors if one.state is ConnectorState.FAULTED]
    told = " and ".join(f"connector {number}" for number in faulted)
    return {
        "701.Alrm": MANUFACTURER_ALARM if faulted else 0,
        "701.MnAlrmInfo": f"{told} out of order" if faulted else None,
        "714.PrtAlrms": sum(1 << (number - 1) for number in faulted if number <= CONNECTORS),
    }


def _ports(connectors: Sequence[ConnectorReport]) -> Scaled:
    """The sums of model 714, with SunSpec's sign."""
    return {
        "714.DCA": -sum(connector.current.a for connector in connectors),
        "714.DCW": -sum(connector.power.w for connector in connectors),
        "714.DCWhAbs": sum(connector.energy.wh for connector in connectors),
    }


def _port(report: ConnectorReport) -> Iterator[tuple[str, float | None]]:
    prefix = f"714.Prt.{report.connector - 1}."
    faulted = report.state is ConnectorState.FAULTED
    yield prefix + "DCA", -report.current.a
    yield prefix + "DCV", report.voltage.v
    yield prefix + "DCW", -report.power.w
    yield prefix + "DCWhAbs", report.energy.wh
    yield prefix + "DCSta", PORT_ERROR if faulted else int(report.state in ACTIVE)


def _connector(report: ConnectorReport, granted: Power | None) -> Iterator[tuple[str, float | None]]:
    prefix = f"64302.Con.{report.connector - 1}."
    plugged = report.plug_in_time
    yield prefix + "ConSt", STATE_NUMBERS[report.state]
    yield prefix + "AlcW", None if granted is None else granted.w
    yield prefix + "W", report.power.w
    yield prefix + "V", report.voltage.v
    yield prefix + "A", report.current.a
    yield prefix + "SoC", report.soc_percent
    yield prefix + "EvMaxW", report.max_power.w
    yield prefix + "EvMinW", report.min_power.w
    yield prefix + "SesWh", report.session_energy.wh
    yield prefix + "SesTms", None if plugged is None else plugged.timestamp()


def clocks(utc: datetime, now: Monotonic, resume_at: Monotonic | None) -> Scaled:
    """What moves with time alone.

    Args:
        resume_at: When the delay of a return is over. None: none runs.
    """
    return {
        "64301.UtcS": int(utc.timestamp()),
        "64301.DevHb": int(now) % 0xFFFF,
        "715.DERHb": int(now) % 0xFFFFFFFF,
        "703.ESDlyRemTms": 0 if resume_at is None else max(0, round(resume_at - now)),
    }


def status(state: GridState, report: StationReport | None, rating: Power, compliance: Compliance) -> Scaled:
    """The points of 701 and 64301 that follow from the cap and the newest report."""
    power = ZERO_POWER if report is None or report.ac_power is None else report.ac_power
    word = station_state(state, report, rating)
    charging = word in ("CHARGING", "LIMITED")
    return {
        "64301.StaSt": _STATION[word],
        "64301.EffW": state.cap.w,
        "64301.EffSrc": SOURCE_NUMBERS[state.source],
        "64301.FlexDnW": max(power.w, 0.0),
        "64301.FlexUpW": max(min(_wanted(report), state.cap.w) - power.w, 0.0),
        "64301.Cmply": compliance.phase,
        "64301.CmplyMs": compliance.took_ms,
        "701.St": 1.0 if charging else 0.0,
        "701.InvSt": INVERTER[word],
        "701.ThrotPct": 100.0 * (state.cap / rating),
        "701.ThrotSrc": MAX_W_BIT if state.cap < rating else 0,
    }


def _wanted(report: StationReport | None) -> float:
    if report is None:
        return 0.0
    return sum(connector.max_power.w for connector in report.connectors if connector.session is not None)


def station_state(state: GridState, report: StationReport | None, rating: Power) -> str:
    """The word of 64301.StaSt for the station as a whole."""
    if state.command is Command.EMERGENCY:
        return "EMERGENCY"
    if state.command is Command.PAUSE:
        return "PAUSED"
    states = {connector.state for connector in report.connectors} if report is not None else set()
    if states & ACTIVE:
        return "LIMITED" if state.cap < rating else "CHARGING"
    return "FAULTED" if ConnectorState.FAULTED in states else "IDLE"
