"""Local frequency response: the station sheds and takes load by the frequency that it measures itself. Pure.

Products of the Nordic reserves. FFR: below a threshold everything offered is shed, within 0.7 to 1.3 s, for at
least 30 s. FCR-D up: load is shed in proportion between 49.9 and 49.5 Hz. FCR-D down: load is taken up in proportion
between 50.1 and 50.5 Hz; what is to be taken up is held back while the response is armed, so that all of it is one
more cap, and lifts nobody's. None needs a plan, or anybody's message.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final

from powerctl.core.clock import Monotonic, after
from powerctl.core.demand import StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import ZERO_POWER, Power
from powerctl.signals.arbitration import Contribution
from powerctl.signals.mailbox import Stamp

FFR_WITHIN_S: Final = {49.7: 1.3, 49.6: 1.0, 49.5: 0.7}
"""Full activation time by threshold in hertz (Fingrid, technical requirements for FFR)."""
FCR_D_START_HZ: Final = 49.9
FCR_D_FULL_HZ: Final = 49.5
"""FCR-D up is linear between them (Fingrid, technical requirements for frequency containment reserves)."""
FCR_D_DOWN_START_HZ: Final = 50.1
FCR_D_DOWN_FULL_HZ: Final = 50.5
"""FCR-D down is linear between them (the same)."""
FCR_D_DOWN_WITHIN_S: Final = 5.0
"""All of the power held back returns at least so fast: the requirement is 86 per cent after 7.5 s (the same)."""
FFR_HOLD_S: Final = 30.0
"""Least support without a rule for how fast it ends (Fingrid, FFR)."""
FFR_READY_S: Final = 900.0
"""Ready again at the latest (Fingrid, FFR)."""
SANE_HZ: Final = (40.0, 60.0)
STALE_S: Final = 0.5
"""Five samples of a source at 10 Hz."""
STEPS: Final = 50
"""FCR-D sheds in steps of 2 per cent, so that noise does not become setpoints."""


class Mode(IntEnum):
    """The values of 64301.FrqMd."""

    OFF = 0
    ARMED = 1
    ACTIVE = 2
    RECOVERY = 3


class Product(StrEnum):
    """What the station is prequalified for."""

    FFR = "ffr"
    FCR_D = "fcr-d"


@dataclass(frozen=True, slots=True)
class FrequencyRules:
    """What is commissioned."""

    product: Product
    floor: Power = ZERO_POWER
    """What the station still draws at full activation, AC."""
    ffr_hz: float = 49.7
    """Threshold of FFR; one of `FFR_WITHIN_S`."""
    confirm_samples: int = 2
    """FFR needs so many samples in a row below the threshold: one may be noise."""
    recover_hz: float = FCR_D_START_HZ
    """FFR ends only above this."""
    ramp_up_w_s: float = 500.0
    """How fast power returns afterwards."""
    rating: Power = ZERO_POWER
    """What the station's grid connection carries, AC: what FCR-D down is held back from."""
    down: Power = ZERO_POWER
    """FCR-D down: held back while armed, and taken up above 50.1 Hz. Zero: FCR-D up only."""


@dataclass(frozen=True, slots=True)
class Response:
    """The response at one instant."""

    rules: FrequencyRules
    mode: Mode = Mode.OFF
    hz: float | None = None
    """The newest sample. None: none yet."""
    sampled_at: Monotonic | None = None
    low: int = 0
    """Samples in a row below the threshold of FFR."""
    baseline: Power = ZERO_POWER
    """What the station drew when the activation began: what FCR-D sheds from."""
    active_since: Monotonic | None = None
    recovery_ends: Monotonic | None = None
    cap: Power | None = None
    """None: no limit."""
    uptake: Power = ZERO_POWER
    """What FCR-D down lets go of what is held back."""

    @property
    def reserve(self) -> Power | None:
        """The cap that holds back what is left for FCR-D down. None: nothing is."""
        held = self.rules.down - self.uptake
        return None if self.mode is Mode.OFF or held <= ZERO_POWER else max(ZERO_POWER, self.rules.rating - held)


def armed(response: Response, *, on: bool) -> Response:
    """The response switched on or off; an activation in progress ends when it is switched off."""
    if on:
        return replace(response, mode=Mode.ARMED) if response.mode is Mode.OFF else response
    off = replace(response, mode=Mode.OFF, cap=None, active_since=None, recovery_ends=None, low=0)
    return replace(off, uptake=ZERO_POWER)


def sampled(response: Response, hz: float, power: Power, now: Monotonic) -> Response:
    """The response after one sample of the line frequency.

    Args:
        power: What the station draws now, AC.

    Raises:
        RemoteError: No grid has this frequency.
    """
    if not SANE_HZ[0] <= hz <= SANE_HZ[1]:
        raise RemoteError(f"a frequency of {hz} Hz")
    low = response.low + 1 if hz < response.rules.ffr_hz else 0
    response = replace(response, hz=hz, sampled_at=now, low=low)
    if response.mode is Mode.OFF:
        return response
    if response.rules.product is Product.FFR:
        return _ffr(response, now)
    return _fcr_d(response, power, now)


def _ffr(response: Response, now: Monotonic) -> Response:
    if response.mode is Mode.ACTIVE:
        return _ffr_ended(response, now)
    if response.recovery_ends is not None and now >= response.recovery_ends:
        response = replace(response, mode=Mode.ARMED, recovery_ends=None)
    if response.mode is Mode.ARMED and response.low >= response.rules.confirm_samples:
        return replace(response, mode=Mode.ACTIVE, active_since=now, cap=response.rules.floor)
    return response


def _ffr_ended(response: Response, now: Monotonic) -> Response:
    held = response.active_since is not None and now - response.active_since >= FFR_HOLD_S
    if not held or response.hz is None or response.hz < response.rules.recover_hz:
        return response
    ready = after(now, FFR_READY_S)
    return replace(response, mode=Mode.RECOVERY, cap=None, active_since=None, recovery_ends=ready)


def _fcr_d(response: Response, power: Power, now: Monotonic) -> Response:
    hz = FCR_D_START_HZ if response.hz is None else response.hz
    if hz >= FCR_D_START_HZ:
        return _fcr_d_down(response, hz, now)
    if response.mode is not Mode.ACTIVE or response.uptake > ZERO_POWER:
        response = replace(response, mode=Mode.ACTIVE, active_since=now, baseline=power, uptake=ZERO_POWER)
    return replace(response, cap=droop(response.baseline, hz, response.rules.floor))


def _fcr_d_down(response: Response, hz: float, now: Monotonic) -> Response:
    taken_up = uptake(response.rules, hz)
    if taken_up <= ZERO_POWER:
        return replace(response, mode=Mode.ARMED, cap=None, uptake=ZERO_POWER, active_since=None)
    since = response.active_since if response.uptake > ZERO_POWER else now
    return replace(response, mode=Mode.ACTIVE, cap=None, uptake=taken_up, active_since=since)


def droop(baseline: Power, hz: float, floor: Power = ZERO_POWER) -> Power:
    """What FCR-D up leaves of `baseline` at a frequency, rounded down to a step; never below `floor`."""
    part = (hz - FCR_D_FULL_HZ) / (FCR_D_START_HZ - FCR_D_FULL_HZ)
    stepped = math.floor(round(min(max(part, 0.0), 1.0) * STEPS, 6)) / STEPS
    return max(min(floor, baseline), baseline * stepped)


def uptake(rules: FrequencyRules, hz: float) -> Power:
    """What FCR-D down takes up at a frequency, rounded down to a step."""
    part = (hz - FCR_D_DOWN_START_HZ) / (FCR_D_DOWN_FULL_HZ - FCR_D_DOWN_START_HZ)
    return rules.down * (math.floor(round(min(max(part, 0.0), 1.0) * STEPS, 6)) / STEPS)


def lost(response: Response, now: Monotonic) -> bool:
    """True if samples have failed to come: the station cannot answer for the frequency."""
    return response.sampled_at is None or now - response.sampled_at >= STALE_S


def expired(response: Response, now: Monotonic) -> Response:
    """The response after time alone: an activation outlasts the loss of its samples by the hold time, no longer."""
    if response.mode is not Mode.ACTIVE or not lost(response, now) or response.active_since is None:
        return response
    if now - response.active_since < FFR_HOLD_S:
        return response
    return replace(response, mode=Mode.ARMED, cap=None, uptake=ZERO_POWER, active_since=None)


class FrequencySource:
    """The response as a source.

    Args:
        rules: As commissioned.
        on: True: armed from the start.
    """

    def __init__(self, rules: FrequencyRules, *, on: bool = False) -> None:
        self._response = armed(Response(rules), on=on)
        self._power = ZERO_POWER

    @property
    def response(self) -> Response:
        """Where it stands."""
        return self._response

    def mode(self, now: Monotonic) -> Mode:
        """What 64301.FrqMd shows: OFF as well while nobody measures."""
        idle = lost(self._response, now) and self._response.mode is not Mode.ACTIVE
        return Mode.OFF if idle else self._response.mode

    def arm(self, *, on: bool) -> None:
        """Switch the response on or off."""
        self._response = armed(self._response, on=on)

    def reported(self, report: StationReport, now: Monotonic) -> None:
        """Take what the station draws."""
        if report.ac_power is not None:
            self._power = max(report.ac_power, ZERO_POWER)

    def sampled(self, hz: float, now: Monotonic) -> bool:
        """Take one sample. True: the cap is another one.

        Raises:
            RemoteError: No grid has this frequency.
        """
        before = self._response.cap, self._response.uptake
        self._response = sampled(self._response, hz, self._power, now)
        return (self._response.cap, self._response.uptake) != before

    def contributions(self, stamp: Stamp) -> Sequence[Contribution]:
        """The cap while the response is active, and what is held back while it is armed."""
        self._response = expired(self._response, stamp.now)
        response = self._response
        if response.cap is None:
            return self._held_back(response, stamp.now)
        detail = f"The grid's frequency is low: the station sheds load down to {response.cap}."
        ramp = response.rules.ramp_up_w_s
        return (Contribution(LimitSource.FREQUENCY, detail, cap=response.cap, ramp_up_w_s=ramp),)

    def _held_back(self, response: Response, now: Monotonic) -> Sequence[Contribution]:
        rules, reserve = response.rules, response.reserve
        eager = response.uptake > ZERO_POWER
        if not eager and (reserve is None or lost(response, now)):
            return ()
        detail = f"The station keeps to {reserve}, so that it can take up load when the grid's frequency is high."
        ramp = max(rules.ramp_up_w_s, rules.down.w / FCR_D_DOWN_WITHIN_S)
        return (Contribution(LimitSource.FREQUENCY, detail, cap=reserve, ramp_up_w_s=ramp, eager=eager),)

    def deadline(self, stamp: Stamp) -> Monotonic | None:
        """When an activation ends whose samples have ceased."""
        since = self._response.active_since
        return None if since is None or not lost(self._response, stamp.now) else after(since, FFR_HOLD_S)
