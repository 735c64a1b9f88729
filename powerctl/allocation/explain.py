"""Why a connector has the power it has: the chain of limits that a driver and an operator read.

Each layer asks what the connector would get if only the rating, only one grid source, only the ramp were in force;
a layer that takes power away is a reason, and says how much it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from powerctl.allocation.demand import Demand
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.shares import Share
from powerctl.allocation.tree import Tree
from powerctl.core.demand import ConnectorReport
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Limit, LimitSource, binding
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import Power

_NOTICEABLE_W: Final = 1.0
_WAITS: Final = "The plan serves the other vehicle first, so that both get most in their time; this one waits."
_SHARED: Final = "The station's power is shared with the other vehicle."


@dataclass(frozen=True, slots=True)
class Layer:
    """The shares that would hold if this were the only thing in force besides the rating."""

    source: LimitSource
    detail: str
    until: datetime | None
    shares: Mapping[ConnectorId, Share]
    running: int
    """How many of them are above zero."""


@dataclass(frozen=True, slots=True)
class Held:
    """A bound of the tree that is full."""

    sentence: str
    running: int
    """How many vehicles share it."""


@dataclass(frozen=True, slots=True)
class Rated:
    """The shares that would hold if nothing but the station's rating were in force."""

    shares: Mapping[ConnectorId, Share]
    even: Mapping[ConnectorId, Share]
    """The same without the plan."""
    free: Mapping[ConnectorId, Share]
    """The same as `shares` if all feeders carried any power."""
    reserved: Mapping[ConnectorId, Limit] = field(default_factory=dict)
    """What is reserved, of the sessions that are there."""
    held: Mapping[ConnectorId, Held] = field(default_factory=dict)
    """What between grid connection and connector bounds it. Missing: nothing does."""


def reasons(
    capability: ConnectorCapability,
    report: ConnectorReport,
    demand: Demand,
    rated: Rated,
    layers: Sequence[Layer],
    limit_w: float,
) -> tuple[Limit, ...]:
    """The chain for an active session, lowest limit first.

    Args:
        capability: Of the connector.
        report: The connector's last.
        demand: What it could use.
        rated: Shares of the station's rating.
        layers: What is in force besides, strongest statement first.
        limit_w: What may be given now without waiting for the other connector, watts DC.
    """
    connector = capability.connector
    chain = _lowering(connector, demand, rated, layers)
    share_w = min(
        [demand.want_w, rated.shares[connector].limit_w, *(layer.shares[connector].limit_w for layer in layers)]
    )
    if demand.modules_w is not None:
        chain.append(_limit(LimitSource.MODULES, demand.modules_w, "The power modules at this connector give no more."))
    if demand.paced:
        chain = [*chain, _paced(demand)] if demand.may_run else [_paced(demand)]
    elif demand.yields:
        chain = [_limit(LimitSource.PLAN, 0.0, _WAITS)]
    elif not demand.may_run:
        chain = [_limit(LimitSource.RAMP, 0.0, "Charging was paused and goes on in a few seconds.")]
    elif limit_w < share_w - _NOTICEABLE_W:
        chain.append(_limit(LimitSource.HANDOVER, limit_w, "Waits until the other connector has released its power."))
    return binding([*chain, *_own(capability, report, demand)])


def _paced(demand: Demand) -> Limit:
    if not demand.may_run:
        return _limit(LimitSource.PLAN, 0.0, "The plan charges this vehicle later, when energy is cheaper.")
    return _limit(LimitSource.PLAN, demand.want_w, "The plan takes its time: energy is cheaper later.")


def _lowering(connector: ConnectorId, demand: Demand, rated: Rated, layers: Sequence[Layer]) -> list[Limit]:
    """Those of the shared bounds that take power away from this connector."""
    rated_w = rated.shares[connector].limit_w
    chain = [
        Limit(layer.source, Power(layer.shares[connector].limit_w), _sentence(layer, connector, demand), layer.until)
        for layer in layers
        if layer.shares[connector].limit_w < rated_w - _NOTICEABLE_W
    ]
    held, free_w = rated.held.get(connector), rated.free[connector].limit_w
    if held is not None and rated_w < min(free_w, demand.want_w) - _NOTICEABLE_W:
        chain.append(_held(held, rated_w, demand))
        if free_w < demand.want_w - _NOTICEABLE_W:
            chain.append(_limit(LimitSource.SHARE, free_w, _SHARED))
    elif rated_w < demand.want_w - _NOTICEABLE_W:
        chain.append(_shared(demand, rated, connector))
    return chain


def _held(held: Held, share_w: float, demand: Demand) -> Limit:
    source = LimitSource.SHARE if held.running > 1 or share_w <= 0.0 else LimitSource.HARDWARE
    if share_w <= 0.0:
        return _limit(source, 0.0, f"{held.sentence}: too little for this vehicle, which needs {Power(demand.min_w)}.")
    shared = f", shared by {held.running} vehicles" if held.running > 1 else ""
    return _limit(source, share_w, f"{held.sentence}{shared}.")


def full_bounds(
    demands: Mapping[ConnectorId, Demand], given: Mapping[ConnectorId, Share], conversion: Conversion, tree: Tree
) -> dict[ConnectorId, Held]:
    """For each connector that could take more the first bound on its way that is full.

    Args:
        demands: Who could use power.
        given: What they get under the tree.
        conversion: From output to input.
        tree: What lies between.
    """
    found: dict[ConnectorId, Held] = {}
    for bound in tree.bounds:
        members = [connector for connector in bound.parts if connector in given]
        flows_w = {c: bound.parts[c] * conversion.ac_w(given[c].limit_w) for c in members}
        room_w = bound.capacity_w - sum(flows_w.values())
        held = Held(bound.sentence, sum(given[c].limit_w > 0.0 for c in members))
        for connector in members:
            needs_w = 0.0 if given[connector].limit_w > 0.0 else conversion.ac_w(demands[connector].min_w)
            if room_w < bound.parts[connector] * needs_w + _NOTICEABLE_W:
                found.setdefault(connector, held)
    return found


def _reserved(demand: Demand, rated: Rated, connector: ConnectorId) -> Limit | None:
    """The share where somebody has reserved. None: nobody has."""
    share_w = rated.shares[connector].limit_w
    if demand.guaranteed_w > 0.0:
        detail = f"This connector is reserved with {Power(demand.guaranteed_w)}; what is above that is shared."
        return Limit(LimitSource.SHARE, Power(share_w), detail, demand.guaranteed_until)
    others = [one for name, one in rated.reserved.items() if name != connector]
    if not others:
        return None
    detail = f"The other connector is reserved with {others[0].limit}; this one has what is left."
    return Limit(LimitSource.SHARE, Power(share_w), detail, others[0].until)


def _shared(demand: Demand, rated: Rated, connector: ConnectorId) -> Limit:
    share_w = rated.shares[connector].limit_w
    if (reserved := _reserved(demand, rated, connector)) is not None:
        return reserved
    if share_w < rated.even[connector].limit_w - _NOTICEABLE_W:
        return _limit(
            LimitSource.PLAN, share_w, "The plan gives the other vehicle more now, so that both get most in their time."
        )
    if len(rated.shares) == 1:
        return _limit(LimitSource.HARDWARE, share_w, "The station gives no more than this.")
    if share_w <= 0.0:
        return _limit(LimitSource.SHARE, 0.0, "The other vehicle is served first; this one waits for its turn.")
    return _limit(LimitSource.SHARE, share_w, _SHARED)


def _sentence(layer: Layer, connector: ConnectorId, demand: Demand) -> str:
    """The layer's sentence, and what it means here."""
    told = layer.detail.rstrip(".")
    if layer.shares[connector].limit_w <= 0.0:
        return f"{told}: too little for this vehicle, which needs at least {Power(demand.min_w)}."
    return f"{told}, shared by {layer.running} vehicles." if layer.running > 1 else f"{told}."


def _own(capability: ConnectorCapability, report: ConnectorReport, demand: Demand) -> list[Limit]:
    """Bounds of the connector and of its vehicle alone."""
    chain = []
    if demand.tapers:
        chain.append(_limit(LimitSource.VEHICLE, demand.want_w, f"The vehicle asks for {report.target}."))
    bound = report.max_power
    if 0.0 < bound.w < capability.max_power.w:
        chain.append(_limit(LimitSource.VEHICLE, bound.w, f"Vehicle and connector take {bound} at most now."))
    cable = capability.max_current.at(report.voltage)
    if report.state is ConnectorState.CHARGING and cable < capability.max_power:
        detail = f"The cable carries {capability.max_current}, which is {cable} at {report.voltage}."
        chain.append(_limit(LimitSource.CABLE, cable.w, detail))
    rated = capability.max_power
    return [*chain, _limit(LimitSource.HARDWARE, rated.w, f"The connector is rated for {rated}.")]


def _limit(source: LimitSource, limit_w: float, detail: str) -> Limit:
    return Limit(source, Power(limit_w), detail)
