from __future__ import annotations

import asyncio
import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from powerctl.sim.grid import ABSURD, LIMIT_W, MISBEHAVIOURS, Act, Player
from tests.unit.signals.station import Station, grid_settings, play, running


@pytest.mark.parametrize("name", sorted(MISBEHAVIOURS))
def test_a_script_lasts_about_as_long_as_it_was_asked_to(name: str) -> None:
    seconds = sum(act.after_s for act in MISBEHAVIOURS[name](60))
    assert 55.0 <= seconds <= 110.0


def test_flapping_is_one_kilowatt_each_second() -> None:
    written = [act.words[0] for act in MISBEHAVIOURS["flapping"](20) if act.point == "LimW"]
    assert {abs(after - before) for before, after in pairwise(written)} == {1000}


def test_every_absurd_value_has_its_turn() -> None:
    acts = {(act.point, act.words) for act in MISBEHAVIOURS["absurd"](len(ABSURD))}
    assert {write for writes in ABSURD.values() for write in writes} <= acts


def test_a_player_tells_acceptance_from_refusal_from_silence(tmp_path: Path) -> None:
    async def story(station: Station) -> None:
        acts = [Act(words=(LIMIT_W,)), Act(point="St", words=(1,)), Act(do="read", point="St", words=(0,))]
        player = Player(station.signals.port)
        answers = [answer async for answer in player.play(iter(acts))]
        assert [(answer.code, answer.accepted) for answer in answers] == [(None, True), (2, False), (None, True)]
        gone = [answer async for answer in Player(1).play(iter(acts[:1]))]
        assert gone[0].lost

    play(story, tmp_path)


@pytest.mark.integration
async def test_it_runs_as_a_program(tmp_path: Path) -> None:
    async with running(tmp_path, grid_settings(heartbeat_timeout_s=60)) as station:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "powerctl.sim.grid", "storm", "--seconds", "1"),
            *("--port", str(station.signals.port)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    said = [json.loads(line) for line in output.splitlines()]
    assert {one["answer"] for one in said} == {"accepted"}
    assert len(said) >= 20
