"""What clients may write beside the mailbox: limits, permission and return, SunSpec's set-point, operation. Pure.

Registers are raw values by path; power points carry the station's scale factor. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.setpoint import Command, Limit, LimitSource
from powerctl.core.units import ZERO_POWER, Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.contribution import NAMES, RANKS
from powerctl.signals.pdu import Code, Refused
from powerctl.signals.sources.flexible_return import ReturnRules

CHARGE_RATE: Final = "702.WChaRteMax"
PERMIT: Final = "703.ES"
OPERATION: Final = "715.OpCtl"
CONTROLLER_HEARTBEAT: Final = "715.ControllerHb"
ALARM_RESET: Final = "715.AlarmReset"
COMMIT_MODE: Final = "64300.CmtMod"
ADDRESS: Final = "1.DA"
ENABLE, SET, TIMER = "704.WSetEna", "704.WSet", "704.WSetRvrtTms"
SET_POINT: Final = frozenset({ENABLE, SET, TIMER, "704.WSetMod", "704.WSetRvrt", "704.WSetEnaRvrt"})
"""The points of one function: a write to any of them re-arms its reversion, and nothing else does."""
STOP, START, ENTER_STANDBY, EXIT_STANDBY = range(4)
ON_SEQ: Final = 1
WATTS: Final = 1
"""704.WSetMod."""
CONNECTORS: Final = 2
LOWEST_PRIORITY: Final = 100
PERSISTENT: Final = frozenset(
    {CHARGE_RATE, PERMIT, "703.ESDlyTms", "703.ESRndTms", "703.ESRmpTms", OPERATION, ADDRESS, COMMIT_MODE}
)
"""What survives a restart."""


@dataclass(frozen=True, slots=True)
class Commissioned:
    """What is settled before anybody writes."""

    rating: Power
    scale: int
    """Scale factor of power."""
    address: int = 1
    """On serial lines."""
    source: LimitSource | None = None
    """Who speaks through model 704. None: nobody."""
    settle_s: float = 0.0
    """Of that source."""
    currency: str = ""
    """Of the prices in 64303, ISO 4217. Empty: not told."""


@dataclass(frozen=True, slots=True)
class Controls:
    """The registers at one instant."""

    commissioned: Commissioned
    values: Mapping[str, int]
    revert_at: Monotonic | None = None
    """When the set-point of 704 reverts. None: it does not."""

    def watts(self, path: str) -> Power:
        """The value of a power point."""
        return Power(self.values[path] * 10.0**self.commissioned.scale)

    @property
    def on_seq(self) -> bool:
        """True: a slot's commands take effect when its Seq is written."""
        return self.values[COMMIT_MODE] == ON_SEQ

    @property
    def return_rules(self) -> ReturnRules:
        """How power comes back after a limit."""
        return ReturnRules(self.values["703.ESDlyTms"], self.values["703.ESRndTms"], self.values["703.ESRmpTms"])

    @property
    def connector_caps(self) -> Mapping[int, Limit]:
        """Caps of single connectors by number from 1, DC; only those that are below the rating."""
        source = self.commissioned.source
        if source is None:
            return {}
        caps = {number: self.watts(f"64302.Con.{number - 1}.LimW") for number in range(1, CONNECTORS + 1)}
        return {
            number: Limit(source, cap, f"{NAMES[source]} limits this connector to {cap}.")
            for number, cap in caps.items()
            if cap < self.commissioned.rating
        }

    @property
    def connector_priorities(self) -> Mapping[int, int]:
        """Priorities of the connectors by number from 1; lower goes first."""
        return {number: self.values[f"64302.Con.{number - 1}.Pri"] for number in range(1, CONNECTORS + 1)}


def opened(commissioned: Commissioned, saved: Mapping[str, int]) -> Controls:
    """The registers at start.

    Args:
        saved: What `persistent` yielded before; each value acceptable to its point.
    """
    rating = round(commissioned.rating.w / 10.0**commissioned.scale)
    connectors = {f"64302.Con.{place}.LimW": rating for place in range(CONNECTORS)}
    values = {
        ADDRESS: commissioned.address,
        CHARGE_RATE: rating,
        PERMIT: 1,
        **dict.fromkeys(("703.ESDlyTms", "703.ESRndTms", "703.ESRmpTms"), 0),
        **dict.fromkeys(SET_POINT, 0),
        "704.WSetMod": WATTS,
        OPERATION: START,
        CONTROLLER_HEARTBEAT: 0,
        ALARM_RESET: 0,
        COMMIT_MODE: 0,
        **connectors,
        **{f"64302.Con.{place}.Pri": LOWEST_PRIORITY for place in range(CONNECTORS)},
        **{path: value for path, value in saved.items() if path in PERSISTENT},
    }
    values[CHARGE_RATE] = min(values[CHARGE_RATE], rating)
    return Controls(commissioned, values)


def written(controls: Controls, values: Mapping[str, int], now: Monotonic) -> Controls:
    """The registers after a write; paths that are not theirs are left alone.

    Raises:
        Refused: The station cannot carry it out.
    """
    own = {path: value for path, value in values.items() if path in controls.values}
    if not own:
        return controls
    _check(controls, own)
    controls = replace(controls, values={**controls.values, **own})
    if not own.keys() & SET_POINT:
        return controls
    seconds = controls.values[TIMER] if controls.values[ENABLE] else 0
    return replace(controls, revert_at=after(now, seconds) if seconds else None)


def _check(controls: Controls, values: Mapping[str, int]) -> None:
    most = controls.commissioned.rating.w / 10.0**controls.commissioned.scale
    caps = [value for path, value in values.items() if path == CHARGE_RATE or path.endswith(".LimW")]
    if any(value > most for value in caps):
        raise Refused(Code.ILLEGAL_VALUE)
    stopped = controls.values[OPERATION] == STOP
    if stopped and values.get(OPERATION) in (ENTER_STANDBY, EXIT_STANDBY):
        raise Refused(Code.ILLEGAL_VALUE)


def deadline(controls: Controls) -> Monotonic | None:
    """When `expired` must be called at the latest. None: nothing runs."""
    return controls.revert_at


def expired(controls: Controls, now: Monotonic) -> Controls:
    """The registers after every timer that has ended by now: nobody renewed the set-point."""
    if controls.revert_at is None or now < controls.revert_at:
        return controls
    values = {
        **controls.values,
        SET: controls.values["704.WSetRvrt"],
        ENABLE: controls.values["704.WSetEnaRvrt"],
    }
    return replace(controls, values=values, revert_at=None)


def contributions(controls: Controls) -> Iterator[Contribution]:
    """What the registers ask for now."""
    charge_rate = controls.watts(CHARGE_RATE)
    if charge_rate < controls.commissioned.rating:
        detail = f"The station is commissioned for at most {charge_rate}."
        yield Contribution(LimitSource.HARDWARE, detail, cap=charge_rate)
    if not controls.values[PERMIT]:
        yield _stopped("The station has no permission to draw power.")
    if controls.values[OPERATION] in (STOP, ENTER_STANDBY):
        yield _stopped("The station was taken out of operation.")
    source = controls.commissioned.source
    if source is not None and controls.values[ENABLE]:
        wanted = max(ZERO_POWER, -controls.watts(SET))
        yield Contribution(
            source,
            f"{NAMES[source]} asks the station to draw {wanted}.",
            setpoint=wanted,
            rank=(RANKS[source], 0),
            settle_s=controls.commissioned.settle_s,
        )


def _stopped(detail: str) -> Contribution:
    return Contribution(LimitSource.OPERATOR, detail, cap=ZERO_POWER, command=Command.PAUSE)


def readback(controls: Controls, now: Monotonic) -> dict[str, int]:
    """The raw values of all of its points."""
    left = 0 if controls.revert_at is None else max(0, round(controls.revert_at - now))
    return {**controls.values, "704.WSetRvrtRem": left}


def persistent(controls: Controls) -> dict[str, int]:
    """What must survive a restart."""
    return {path: controls.values[path] for path in sorted(PERSISTENT)}
