"""Plan processes that work, die, hang and lie."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from powerctl.allocation.plan_check import flaw
from powerctl.allocation.plan_problem import STEPS, Plan, PlanProblem, PlanSession, grid, problem_from_json
from powerctl.allocation.plan_process import PlanProcess
from tests.integration.manager.controller import eventually

pytestmark = pytest.mark.integration

PROBLEM = PlanProblem(
    grid(),
    (20000.0,) * STEPS,
    (PlanSession(1, 20000.0, 22000.0, 7200.0), PlanSession(2, 10000.0, 22000.0, 1800.0)),
)
FRAME = "import struct, sys; say = lambda data: (sys.stdout.buffer.write(data), sys.stdout.flush());"


def _python(script: str) -> Sequence[str]:
    return (sys.executable, "-c", script)


def _counted(result: str) -> float:
    return REGISTRY.get_sample_value("powerctl_plan_total", {"result": result}) or 0.0


@asynccontextmanager
async def _planning(
    command: Sequence[str] | None, plans: list[Plan], *, deadline_s: float = 60.0, rejects: Path | None = None
) -> AsyncIterator[PlanProcess]:
    process = PlanProcess(0.05, deadline_s, lambda: PROBLEM, lambda plan, _: plans.append(plan), command, rejects)
    running = asyncio.create_task(process.run())
    try:
        yield process
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert process.pid is None


async def test_the_real_process_answers_with_a_plan_that_passes_the_check() -> None:
    plans: list[Plan] = []
    async with _planning(None, plans):
        await eventually(lambda: len(plans) > 1, within_s=60.0)
    assert flaw(PROBLEM, plans[0]) is None


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("raise SystemExit(3)", "died"),
        ("import time; time.sleep(60)", "late"),
        (FRAME + "say(b'\\xff\\xff\\xff\\xff')", "rejected"),
        (FRAME + "say(struct.pack('>I', 4) + b'null')", "rejected"),
        (FRAME + 'say(struct.pack(">I", 29) + b\'{"power_w": {"1": [1e9, 2]}}   \')', "rejected"),
        (FRAME + "say(struct.pack('>I', 0))", "none"),
    ],
)
async def test_a_process_that_fails_is_counted_and_replaced(script: str, result: str) -> None:
    plans: list[Plan] = []
    before = _counted(result)
    async with _planning(_python(script), plans, deadline_s=2.0):
        await eventually(lambda: _counted(result) >= before + 2, within_s=20.0)
    assert plans == []


async def test_the_problem_of_a_rejected_plan_is_kept_for_a_replay(tmp_path: Path) -> None:
    script = FRAME + "say(struct.pack('>I', 4) + b'null')"
    before = _counted("rejected")
    async with _planning(_python(script), [], deadline_s=2.0, rejects=tmp_path / "rejected"):
        await eventually(lambda: _counted("rejected") > before, within_s=20.0)
    kept = sorted((tmp_path / "rejected").glob("plan-*.json"))
    assert problem_from_json(kept[0].read_bytes()) == PROBLEM
