"""Row 62: whoever dispatches and cancels, and in whatever order, the fleet as a whole comes back on its ramp.

The back end's own API gives the limits, and stations with the energy manager's own rules obey them: the source, the
arbitration and the ramp. What they may draw is what they draw: vehicles want everything at every moment.
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
from google.protobuf.duration_pb2 import Duration

from cloud.domain.approval import Required, Rules
from cloud.domain.fleet_cap import BACK_WITHIN, FLEET_RAMP_W_PER_MINUTE
from cloud.domain.principal import Principal, Role
from powerctl.allocation.ramp import Ramp, followed
from powerctl.app.budgets import budget_of
from powerctl.core.clock import Monotonic
from powerctl.core.ids import StationId
from powerctl.core.order import EndFleetCap, SetFleetCap, StationAction
from powerctl.core.record import StationLimits
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power
from powerctl.signals.arbitration import arbitrate
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.fleet_cap import FleetCaps
from powerctl.v1 import utility_pb2 as pb
from powerctl.wire.common import time_to_wire
from tests.checklist.crowd import Crowd
from tests.contract.api.peers import Failed
from tests.unit.cloud.api_world import cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import describes, telemetry

ROGUE: Final = Principal("rogue", "Rogue", Role.UTILITY)
STEP_S: Final = 10.0
COMMISSIONED_S: Final = 10.0
"""In which a station is back by its own ramp (`manager.allocation.ramp_up_w_s`: 2.2 kW a second of 22 kW)."""
STATIONS: Final = 8


@dataclass
class Place:
    """A station as its energy manager is."""

    rating: Power
    dice: random.Random
    caps: FleetCaps = field(default_factory=FleetCaps)
    ramp: Ramp | None = None

    def obeys(self, action: StationAction, utc: datetime) -> None:
        if isinstance(action, SetFleetCap):
            self.caps.set(action, self.dice.random(), utc)
        elif isinstance(action, EndFleetCap):
            self.caps.end(action.dispatch, utc)

    def draws_w(self, stamp: Stamp) -> float:
        budget = budget_of(arbitrate(self.rating, self.caps.contributions(stamp)))
        rate_w_s = min(self.rating.w / COMMISSIONED_S, budget.ramp_up_w_s)
        self.ramp = followed(self.ramp, budget.cap.w, rate_w_s, stamp.now)
        return self.ramp.cap_w


@dataclass
class Fleet:
    """Stations that hear what the back end sends."""

    crowd: Crowd
    places: dict[StationId, Place]
    drawn: list[float] = field(default_factory=list)
    """By all of them, one value per step."""

    async def passes(self, seconds: float) -> None:
        """Time passes."""
        clock = self.crowd.api.world.clock
        for _ in range(round(seconds / STEP_S)):
            for station, command in self.crowd.api.notebook.sent:
                self.places[station].obeys(command.action, clock.utc())
            self.crowd.api.notebook.sent.clear()
            clock.advance(STEP_S)
            stamp = Stamp(Monotonic(len(self.drawn) * STEP_S), clock.utc())
            self.drawn.append(sum(place.draws_w(stamp) for place in self.places.values()))

    def steepest_w_per_minute(self) -> float:
        """The steepest minute."""
        steps = round(60.0 / STEP_S)
        return max(after - before for before, after in zip(self.drawn, self.drawn[steps:], strict=False))

    async def caps(self, cap_w: float, minutes: float, stations: list[str], ramp: float = 0.0) -> str:
        """The rogue dispatches; gives the dispatch's name."""
        end = self.crowd.api.world.clock.utc() + timedelta(minutes=minutes)
        wanted = pb.FleetCap(cap_w=cap_w, end_time=time_to_wire(end), stations=stations, ramp_up_w_per_minute=ramp)
        wanted.return_within.CopyFrom(Duration(seconds=0))
        request = pb.CreateFleetCapRequest(fleet_cap=wanted, request_id=str(uuid.uuid4()))
        return (await self.crowd.ask("UtilityService/CreateFleetCap", request, pb.FleetCap, ROGUE)).name

    async def cancels(self, name: str) -> None:
        await self.crowd.ask("UtilityService/CancelFleetCap", pb.CancelFleetCapRequest(name=name), pb.FleetCap, ROGUE)


async def built(crowd: Crowd, megawatts: int, count: int, seed: int) -> Fleet:
    rating = Power(megawatts * 1e6 / count)
    limit = Limit(LimitSource.HARDWARE, rating, "The station is built for it.")
    limits = StationLimits(limit.limit, limit.source, limit.detail, None, (limit,))
    places = {StationId(f"ST-{n}"): Place(rating, random.Random(f"{seed}-{n}")) for n in range(count)}
    for name in places:
        await crowd.api.world.reports(replace(describes(), boot_id=name), telemetry(limits=limits), station=name)
    return Fleet(crowd, places)


@pytest.fixture
async def crowd(files: SqliteFiles) -> AsyncIterator[Crowd]:
    # Nobody stands beside the rogue: the ramp alone must hold.
    async with cloud(await files.new(), rules=Rules(required=Required.NEVER)) as running:
        yield Crowd(running)


@pytest.mark.parametrize(("megawatts", "seed"), [(6, 1), (60, 2)])
async def test_row_62_no_order_of_dispatches_and_releases_lifts_the_fleet_faster_than_its_ramp(
    crowd: Crowd, megawatts: int, seed: int
) -> None:
    fleet, dice = await built(crowd, megawatts, STATIONS, seed), random.Random(seed)
    limit = max(FLEET_RAMP_W_PER_MINUTE, megawatts * 1e6 / 30.0)
    names, given = [f"stations/{name}" for name in fleet.places], list[str]()
    await fleet.passes(60)
    full_w = fleet.drawn[-1]
    for _ in range(12):
        some = dice.sample(names, dice.randint(1, len(names)))
        given.append(await fleet.caps(dice.choice((0.0, 1e5, 1e6)), dice.choice((1, 3, 20)), some))
        await fleet.passes(dice.choice((0, 10, 60, 180)))
        if dice.random() < 0.5:
            await fleet.cancels(dice.choice(given))
    # All at once, in as many dispatches as there are stations; and all of them end at the same moment.
    given += [await fleet.caps(0.0, 5, [name]) for name in names]
    await fleet.passes(4 * 60)
    lowest_w = fleet.drawn[-1]
    for name in given:
        await fleet.cancels(name)
    await fleet.passes(BACK_WITHIN.total_seconds() + 60)
    assert lowest_w == 0.0, "down at once"
    assert fleet.drawn[-1] == pytest.approx(full_w), "and back in time"
    assert fleet.steepest_w_per_minute() <= limit * 1.001
    assert fleet.steepest_w_per_minute() > 0.5 * limit, "nothing was tried"


async def test_row_62_a_ramp_too_slow_to_be_back_in_time_would_end_in_a_jump_and_is_refused(crowd: Crowd) -> None:
    fleet = await built(crowd, 6, 4, 1)
    with pytest.raises(Failed, match="at least 200000"):
        await fleet.caps(0.0, 1, [], ramp=1.0)
    with pytest.raises(Failed, match="at most 1000000"):
        await fleet.caps(0.0, 1, [], ramp=1e6 + 1)


async def test_row_62_stations_draw_their_own_moment_to_come_back(crowd: Crowd) -> None:
    """Regulation 11's random delay, drawn at the station: the back end knows none of the moments."""
    fleet = await built(crowd, 6, 60, 7)
    now = crowd.api.world.clock.utc()
    order = SetFleetCap("d", Power(0.0), None, now + timedelta(minutes=1), 600.0, math.inf)
    for place in fleet.places.values():
        place.obeys(order, now)
    backs = sorted(place.caps.caps["d"].back_time for place in fleet.places.values())
    assert all(0.0 <= (back - order.end_time).total_seconds() <= 600.0 for back in backs)
    assert (backs[-1] - backs[0]).total_seconds() > 400.0
    assert max((after - before).total_seconds() for before, after in pairwise(backs)) < 120.0
