"""Acts are data, the director plays them once at a time, and the cloud's service passes a wish on."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from cloud.api.call import Call
from cloud.api.demo import DemoService
from cloud.domain.refusal import Refusal, Why
from cloud.store.store import Store
from powerctl.app.demo.acts import ACTS
from powerctl.app.demo.director import Director
from powerctl.app.demo.inbox import Inbox
from powerctl.app.demo.stage import VEHICLES_OWN, Stage
from powerctl.app.demo.stories import Action, Step
from powerctl.app.demo.supervisor import children
from powerctl.v1 import demo_pb2 as pb

NOBODY = cast(Call, None)
NOWHERE = cast(Store, None)


@dataclass
class Rehearsal:
    """A stage on which a step lasts until the test lets it end."""

    taken: list[Step] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: Exception | None = None

    async def take(self, step: Step) -> None:
        self.taken.append(step)
        await self.may_end.wait()
        if self.trouble is not None:
            raise self.trouble

    def tell(self, name: str, detail: str) -> None:
        self.told.append(detail)


@asynccontextmanager
async def directed(
    folder: Path, *, vehicles: bool = True, inbox: Inbox | None = None, store: Store = NOWHERE
) -> AsyncIterator[tuple[Rehearsal, DemoService]]:
    rehearsal, path = Rehearsal(), folder / "director"
    director = Director(cast(Stage, rehearsal), inbox or Inbox(), vehicles=vehicles)
    serving = asyncio.create_task(director.serve(path))
    try:
        async with asyncio.timeout(30):
            while not path.exists() or stat.S_IMODE(path.stat().st_mode) != 0o600:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            yield rehearsal, DemoService(path, store)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def shown(service: DemoService, name: str) -> tuple[bool, bool]:
    answer = await service.list_acts(pb.ListActsRequest(), NOBODY)
    [act] = [act for act in answer.acts if act.name == f"acts/{name}"]
    return act.active, act.busy


async def play(service: DemoService, name: str) -> pb.PlayActResponse:
    return await service.play_act(pb.PlayActRequest(name=f"acts/{name}"), NOBODY)


async def settled(service: DemoService, name: str) -> None:
    while (await shown(service, name))[1]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_an_act_lasts_until_it_is_played_again(tmp_path: Path) -> None:
    async with directed(tmp_path) as (stage, service):
        stage.may_end.set()
        await play(service, "grid-dip")
        await settled(service, "grid-dip")
        assert await shown(service, "grid-dip") == (True, False)
        await play(service, "grid-dip")
        await settled(service, "grid-dip")
        assert await shown(service, "grid-dip") == (False, False)
        assert [(step.action, step.value) for step in stage.taken] == [(Action.DIM, 4200), (Action.DIM, 22000)]


async def test_an_act_that_undoes_itself_is_never_active(tmp_path: Path) -> None:
    async with directed(tmp_path) as (stage, service):
        stage.may_end.set()
        for _ in range(2):
            await play(service, "kill-plan")
            await settled(service, "kill-plan")
        assert await shown(service, "kill-plan") == (False, False)
        assert [step.action for step in stage.taken] == [Action.KILL_PLAN, Action.KILL_PLAN]


async def test_a_second_press_while_the_first_is_under_way_does_nothing(tmp_path: Path) -> None:
    async with directed(tmp_path) as (stage, service):
        await play(service, "car-left")
        await play(service, "car-left")
        assert await shown(service, "car-left") == (False, True)
        stage.may_end.set()
        await settled(service, "car-left")
        assert [step.action for step in stage.taken] == [Action.LEAVE]


async def test_an_act_that_fails_is_told_and_leaves_the_director_well(tmp_path: Path) -> None:
    async with directed(tmp_path) as (stage, service):
        stage.trouble = TimeoutError("the car would not go")
        stage.may_end.set()
        await play(service, "car-right")
        await settled(service, "car-right")
        assert stage.told == ["car-right: the car would not go"]


async def test_without_our_vehicles_nothing_is_offered_that_needs_them(tmp_path: Path) -> None:
    async with directed(tmp_path, vehicles=False) as (_, service):
        offered = {act.name for act in (await service.list_acts(pb.ListActsRequest(), NOBODY)).acts}
        assert offered == {f"acts/{act.name}" for act in ACTS if act.begin.action not in VEHICLES_OWN}
        assert "acts/car-left" not in offered


async def test_an_act_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    async with directed(tmp_path) as (_, service):
        with pytest.raises(Refusal, match="There is no act acts/nonsense") as refused:
            await play(service, "nonsense")
        assert refused.value.why is Why.NOT_FOUND
        with pytest.raises(Refusal, match=r"acts/\{act\}"):
            await service.play_act(pb.PlayActRequest(name="../etc"), NOBODY)


async def test_where_no_demo_runs_there_is_nothing_to_play(tmp_path: Path) -> None:
    service = DemoService(None, NOWHERE)
    assert not (await service.list_acts(pb.ListActsRequest(), NOBODY)).acts
    with pytest.raises(Refusal, match="No demo runs here"):
        await play(service, "grid-dip")
    with pytest.raises(Refusal, match="does not answer") as refused:
        await play(DemoService(tmp_path / "gone", NOWHERE), "grid-dip")
    assert refused.value.why is Why.UNAVAILABLE


async def test_a_child_is_found_by_a_word_of_its_command() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()  # plan_worker", stdin=-1)
    try:
        async with asyncio.timeout(30):
            while children(os.getpid(), "plan_worker") != [child.pid]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert children(os.getpid(), "no such word") == []
    finally:
        child.kill()
        await child.wait()
