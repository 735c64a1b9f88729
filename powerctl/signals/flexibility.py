"""How much energy the vehicles need, how much of it can wait, and what grid signals have cost them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.demand import ConnectorReport, StationReport
from powerctl.core.ids import ConnectorId
from powerctl.core.session import Flexibility
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.signals import lpc
from powerctl.signals.arbitration import Contribution, GridState, arbitrate
from powerctl.signals.contribution import contribution
from powerctl.signals.mailbox import Mailbox, Stamp, expire
from powerctl.signals.sources.flexible_return import ReturnRules
from powerctl.signals.sources.schedule import Schedule
from powerctl.signals.sources.source import Foreseen
from powerctl.signals.telemetry import Scaled
from powerctl.signals.vendor import CONNECTORS

MAX_STEP_S: Final = 10.0
"""Longer without a report, nothing is known about what was not charged."""


def needed_wh(report: ConnectorReport) -> float | None:
    """What the vehicle still takes until it is full. None: it does not tell."""
    if report.session is None or report.soc_percent is None or report.capacity is None:
        return None
    return max(0.0, report.capacity.wh * (100.0 - report.soc_percent) / 100.0)


def _total(parts: Iterable[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def baseline(report: StationReport | None, rating: Power) -> Power:
    """What the station would draw without grid signals, as far as vehicles tell."""
    if report is None:
        return Power(0.0)
    wanted = sum(connector.max_power.w for connector in report.connectors if connector.session is not None)
    return min(Power(wanted), rating)


def needs(report: StationReport) -> Scaled:
    """The energies of 64301 and 64302."""
    values: Scaled = {
        "64301.ReqWh": _total(needed_wh(connector) for connector in report.connectors),
        "64301.FlexWh": _total(
            needed_wh(connector) for connector in report.connectors if connector.flexibility is not Flexibility.FIRM
        ),
    }
    for connector in report.connectors:
        if 1 <= connector.connector <= CONNECTORS:
            values[f"64302.Con.{connector.connector - 1}.ReqWh"] = needed_wh(connector)
    return values


def response(state: GridState, report: StationReport | None, rating: Power, rules: ReturnRules) -> Scaled:
    """How fast the station follows: down within its settle time, up by the rules of return."""
    up_s = rules.delay_s + rules.random_s + rules.ramp_s
    return {
        "64301.BaseW": baseline(report, rating).w,
        "64301.FlexDnMs": 1000.0 * state.settle_s,
        "64301.FlexUpMs": 1000.0 * up_s,
    }


@dataclass(frozen=True, slots=True)
class Curtailed:
    """Energy that was not charged because of grid signals, since start."""

    wh: float = 0.0
    counted_at: Monotonic | None = None
    """None: nothing was counted yet."""


def counted(curtailed: Curtailed, report: StationReport, state: GridState, rating: Power, now: Monotonic) -> Curtailed:
    """`curtailed` after a report: what lies between the cap, or the power above it, and the baseline is missing."""
    if curtailed.counted_at is None or report.ac_power is None:
        return Curtailed(curtailed.wh, now)
    seconds = min(now - curtailed.counted_at, MAX_STEP_S)
    missing_w = baseline(report, rating).w - max(state.cap.w, report.ac_power.w)
    return Curtailed(curtailed.wh + max(0.0, missing_w) * seconds / 3600.0, now)


def next_cap(
    boxes: Iterable[Mailbox],
    schedule: Schedule | None,
    others: Sequence[Contribution],
    rating: Power,
    stamp: Stamp,
) -> tuple[Power, datetime] | None:
    """The next cap that is known ahead, and when it begins, if every source stays in touch. None: none is known.

    Args:
        others: What holds beside the slots and the schedule, taken to go on.
    """
    slots = [_in_touch(box) for box in boxes]
    change = None if schedule is None else schedule.next_change(stamp.utc)
    waits = [at - stamp.now for box in slots for at in _instants(box) if at > stamp.now]
    if change is not None:
        waits.append((change - stamp.utc).total_seconds())
    if not waits:
        return None
    wait_s = min(waits)
    later = Stamp(after(stamp.now, wait_s), stamp.utc + timedelta(seconds=wait_s))
    then = [contribution(expire(box, later), later.now) for box in slots]
    planned = None if schedule is None else schedule.entry(later.utc).cap
    if planned is not None:
        then.append(Contribution(LimitSource.SCHEDULE, "", cap=planned))
    return arbitrate(rating, [*then, *others]).cap, later.utc


def _in_touch(box: Mailbox) -> Mailbox:
    timing = replace(box.machine.timing, heartbeat_timeout_s=0.0)
    return replace(box, machine=replace(box.machine, timing=timing))


def _instants(box: Mailbox) -> Iterator[Monotonic]:
    """When the slot's own commands change by time."""
    if box.active is not None and box.active.ends_at is not None and box.machine.state is lpc.State.LIMITED:
        yield box.active.ends_at
    if box.pending is not None and box.pending.starts_at is not None:
        yield box.pending.starts_at
    if box.revert_at is not None:
        yield box.revert_at


def ahead(known: tuple[Power, datetime] | None) -> Scaled:
    """The points of 64301 for `next_cap`."""
    if known is None:
        return {"64301.NxtW": None, "64301.NxtTms": None}
    return {"64301.NxtW": known[0].w, "64301.NxtTms": round(known[1].timestamp())}


def price(foreseen: Foreseen) -> Scaled:
    """The price in force."""
    return {"64301.Prc": None if foreseen.price is None else float(foreseen.price)}


def departures(report: StationReport, expected: Mapping[ConnectorId, datetime]) -> Scaled:
    """When each vehicle is expected to leave; nothing for a connector without one."""
    return {
        f"64302.Con.{one.connector - 1}.DepTms": (
            round(expected[one.connector].timestamp())
            if one.session is not None and one.connector in expected
            else None
        )
        for one in report.connectors
        if 1 <= one.connector <= CONNECTORS
    }
