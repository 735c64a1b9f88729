"""A session summed up for the rest of the controller."""

from __future__ import annotations

from typing import Final

from edge.chademo.flexibility import flexibility, pause_s
from edge.chademo.phase import IDLE, LOOKS
from edge.chademo.state import Session
from edge.chademo.status import Status
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Limit, LimitSource, binding
from powerctl.core.units import ZERO_POWER, Current, Energy, Power, Voltage

_TOLERANCE_SHARE: Final = 0.02
_TOLERANCE_W: Final = 200.0
"""The meter's tolerance: the larger of 2 % and 200 W (architecture, rule 4)."""


def status(session: Session) -> Status:
    """The session as it is since its last event."""
    heard, config = session.heard, session.config
    power_w = Voltage(session.voltage_v)
    request = Current(float(heard.request_a))
    top = Voltage(session.top_v)
    return Status(
        state=LOOKS[session.phase].state,
        phase=session.phase.value,
        plugged=session.pilot.prox,
        detail=detail_of(session),
        target=request.at(power_w) if session.live else ZERO_POWER,
        requested_current=request,
        available_current=Current(float(session.ramp.announced_a)),
        commanded_current=Current(session.commanded_a),
        committed=_committed(session),
        min_power=Current(session.floor_a).at(top),
        max_power=min(config.max_power, config.max_current.at(top)),
        soc_percent=_soc(session),
        capacity=_capacity(session),
        protocol_number=None if heard.control is None else heard.control.protocol_number,
        flexibility=flexibility(session),
        slope_a_s=session.bounds().lower_a_s,
        remaining_s=session.remaining_s,
        faults=session.faults,
        rejected_frames=session.rejected,
        own_limits=_own_limits(session),
        min_current=Current(session.floor_a),
        obeys=session.follow.obeys,
        reaction_s=session.follow.reaction_s,
        pause_s=pause_s(session),
        rule="" if session.rule is None else session.rule.name,
    )


def detail_of(session: Session) -> str:
    """Why the session is in its state; empty where nothing is to be said."""
    state = LOOKS[session.phase].state
    if state is ConnectorState.FAULTED and session.faults:
        return session.faults[0].detail
    if state in {ConnectorState.STOPPING, ConnectorState.FINISHED} and session.ending is not None:
        return session.ending.detail
    return ""


def _committed(session: Session) -> Power:
    """What is promised; what is measured, while that is clearly more."""
    promised_w = session.ramp.ceiling_w
    measured_w = session.output.voltage_v * session.output.current_a
    tolerance_w = max(_TOLERANCE_W, _TOLERANCE_SHARE * promised_w)
    return Power(measured_w if measured_w > promised_w + tolerance_w else promised_w)


def _soc(session: Session) -> float | None:
    control, limits = session.heard.control, session.heard.limits
    if session.pact is None or control is None or limits is None or limits.rate_reference == 0:
        return None
    return min(100.0, 100.0 * control.charged_rate / limits.rate_reference)


def _capacity(session: Session) -> Energy | None:
    time = session.heard.time
    if session.pact is None or time is None or time.capacity_100wh == 0:
        return None
    return Energy(time.capacity_100wh * 100.0)


def _own_limits(session: Session) -> tuple[Limit, ...]:
    config, voltage = session.config, Voltage(session.voltage_v)
    limits = [
        Limit(LimitSource.CABLE, config.max_current.at(voltage), f"The cable carries {config.max_current}."),
        Limit(LimitSource.MODULES, config.max_power, f"The power stage gives {config.max_power}."),
    ]
    if session.live:
        wish = Current(float(session.heard.request_a)).at(voltage)
        limits.append(Limit(LimitSource.VEHICLE, wish, f"The vehicle asks for {session.heard.request_a} A."))
    if session.faults and session.phase not in IDLE:
        limits.append(Limit(LimitSource.FAULT, ZERO_POWER, session.faults[0].detail))
    return binding(limits)
