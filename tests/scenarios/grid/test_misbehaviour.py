"""A utility that misbehaves: the station stays within every limit, says what is wrong, and goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from powerctl.core.record import GridEventKind
from powerctl.core.setpoint import LimitSource
from powerctl.sim.grid import ABSURD, LIMIT_W, MISBEHAVIOURS, Act, beats, limit
from tests.scenarios.grid.rig import Site, acts, play

FAILSAFE_W, RATING_W = 4200.0, 22000.0


def failsafe_at(site: Site) -> float:
    """When the cap fell to the failsafe value, after the first limit."""
    return next(at for at, cap in site.caps if cap == FAILSAFE_W and at > 1.0)


def lowered(site: Site) -> list[float]:
    """Instants at which the cap fell, the start apart."""
    return [at for (_, before), (at, after) in zip(site.caps, site.caps[1:], strict=False) if after < before]


def test_flapping_moves_each_connector_a_bounded_number_of_times(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        answers = await site.suffer(MISBEHAVIOURS["flapping"](120))
        assert all(answer.accepted for answer in answers)

    site = play(story, tmp_path)
    flaps = [at for at in lowered(site) if at > 20.0]
    assert len(flaps) == 50
    for connector in (1, 2):
        assert len(site.changes(connector, since=20.0)) <= 100


def test_under_flapping_every_decrease_below_what_is_drawn_is_immediate(tmp_path: Path) -> None:
    depths = (8000, 10000, 7000, 9000, 6000, 10000, 5000)

    async def story(site: Site) -> None:
        await site.suffer(acts(MISBEHAVIOURS["flapping"](20), [Act(1.0, words=(watts,)) for watts in depths]))

    site = play(story, tmp_path)
    deepest = [at for at, cap in site.caps if cap in (8000, 7000, 6000, 5000)]
    assert len(deepest) == 4
    for at in deepest:
        told = {setpoint.connector for when, setpoint in site.setpoints if when == at}
        assert told == {1, 2}


def test_after_the_flapping_power_comes_back(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await site.suffer(acts(MISBEHAVIOURS["flapping"](20), [Act(1.0, words=(22000,))], beats(30)))

    site = play(story, tmp_path)
    (given_w,) = {round(site.reports[connector].committed.w, -2) for connector in site.reports}
    assert given_w > 10000.0


@pytest.mark.parametrize("how", ["silence", "frozen", "replayed"])
def test_a_source_that_is_lost_is_noticed_within_a_second(tmp_path: Path, how: str) -> None:
    async def story(site: Site) -> None:
        await site.suffer(MISBEHAVIOURS[how](70))

    site = play(story, tmp_path)
    assert 59.0 <= failsafe_at(site) <= 61.0
    assert [event.kind for event in site.events].count(GridEventKind.FAILSAFE) == 1
    assert site.manager.signals.state.source is LimitSource.FAILSAFE


def test_a_replayed_command_never_ends_a_failsafe(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await site.suffer(MISBEHAVIOURS["replayed"](30))

    site = play(story, tmp_path, heartbeat_timeout_s=5)
    lost = failsafe_at(site)
    assert 4.0 <= lost <= 6.0
    assert [cap for at, cap in site.caps if at > lost] == []


def test_a_failsafe_ends_with_a_limit_after_a_new_heartbeat(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await site.suffer(MISBEHAVIOURS["frozen"](10))
        assert site.cap_w == FAILSAFE_W
        await site.suffer([Act(point="Hb", words=(2,))])
        assert site.cap_w == FAILSAFE_W
        await site.suffer([Act(point="LimW", words=(7000,))])
        assert site.cap_w == 7000.0

    play(story, tmp_path, heartbeat_timeout_s=5)


def test_a_constant_limit_with_a_moving_heartbeat_is_alive(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await site.suffer(acts(limit(LIMIT_W), beats(300)))
        assert site.cap_w == LIMIT_W

    play(story, tmp_path)


@pytest.mark.parametrize("what", sorted(ABSURD))
def test_an_absurd_value_never_lifts_a_limit_and_never_stops_the_service(tmp_path: Path, what: str) -> None:
    async def story(site: Site) -> None:
        await site.suffer(limit(LIMIT_W))
        for point, words in ABSURD[what]:
            before = site.cap_w
            (answer,) = await site.suffer([Act(point=point, words=words)])
            assert not answer.lost
            assert 0.0 <= site.cap_w <= RATING_W
            assert answer.accepted or site.cap_w == before
        peer = await site.peer()
        assert await peer.read(40000, 2) == (0x5375, 0x6E53)

    play(story, tmp_path)


REFUSED = {
    "not implemented": 3,
    "a set-point that is not implemented": 3,
    "an unknown mode": 3,
    "an unknown enable": 3,
    "half of a duration": 2,
    "a heartbeat time-out of a second": 3,
    "a failsafe duration of a second": 3,
    "an acknowledgement of its own": 2,
    "the whole slot, absurd": 3,
}


@pytest.mark.parametrize(("what", "code"), sorted(REFUSED.items()))
def test_what_cannot_be_meant_is_refused_with_a_reason(tmp_path: Path, what: str, code: int) -> None:
    async def story(site: Site) -> None:
        await site.suffer(limit(LIMIT_W))
        answers = await site.suffer(Act(point=point, words=words) for point, words in ABSURD[what])
        assert [answer.code for answer in answers][-1] == code

    play(story, tmp_path)


def test_zero_is_a_limit(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        await site.suffer(limit(0))
        assert site.cap_w == 0.0
        await site.suffer(acts(beats(5)))
        assert all(seen.committed.w == 0.0 for seen in site.reports.values())

    play(story, tmp_path)


@pytest.mark.parametrize("years", [-50, -1, 1, 70])
def test_a_wall_clock_that_jumps_moves_no_timer(tmp_path: Path, years: int) -> None:
    async def story(site: Site) -> None:
        await site.suffer([Act(point="DurTms", words=(0, 30)), *limit(LIMIT_W)])
        site.clock.jumped = timedelta(days=365 * years)
        await site.suffer(acts(beats(28)))
        assert site.cap_w == LIMIT_W
        await site.suffer(acts(beats(4, first=60)))
        assert site.cap_w == RATING_W

    site = play(story, tmp_path)
    assert GridEventKind.FAILSAFE not in [event.kind for event in site.events]


def test_a_utility_whose_clock_jumps_never_gets_more_than_the_rating(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        answers = await site.suffer(MISBEHAVIOURS["clock"](60))
        assert not any(answer.lost for answer in answers)

    site = play(story, tmp_path)
    assert all(0.0 <= cap <= RATING_W for _, cap in site.caps)


def test_a_storm_of_connections_leaves_the_well_behaved_alone(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        peer = await site.peer()
        await site.suffer(limit(LIMIT_W))
        assert await peer.read(40000, 2) == (0x5375, 0x6E53)
        answers = await site.suffer(MISBEHAVIOURS["storm"](30))
        assert not any(answer.lost for answer in answers)
        assert await peer.read(40000, 2) == (0x5375, 0x6E53)
        assert site.cap_w == LIMIT_W

    play(story, tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(sorted(MISBEHAVIOURS)), min_size=1, max_size=4))
def test_whatever_it_does_the_cap_stays_within_the_rating(
    tmp_path_factory: pytest.TempPathFactory, order: list[str]
) -> None:
    async def story(site: Site) -> None:
        for name in order:
            await site.suffer(MISBEHAVIOURS[name](10))
        peer = await site.peer()
        assert await peer.read(40000, 2) == (0x5375, 0x6E53)

    site = play(story, tmp_path_factory.mktemp("station"))
    assert all(0.0 <= cap <= RATING_W for _, cap in site.caps)
    granted = [setpoint.limit.w for _, setpoint in site.setpoints]
    assert all(0.0 <= watts <= RATING_W for watts in granted)
