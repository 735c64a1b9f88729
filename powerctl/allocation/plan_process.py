"""Keeps the plan process at work. Whatever becomes of it, the fast path only loses a hint."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from powerctl.allocation.plan_check import flaw
from powerctl.allocation.plan_frame import HEADER, framed, length_of
from powerctl.allocation.plan_problem import Plan, PlanProblem, plan_from_json, problem_to_json
from powerctl.core.errors import RemoteError
from powerctl.runtime import log, metrics

_SHORTEST_S: Final = 1.0
"""Between two requests, however often something changes."""

_REJECTS_KEPT: Final = 20
"""Problems in the folder; the oldest goes first."""

_log = log.get(__name__)


def worker_command(deadline_s: float) -> tuple[str, ...]:
    """How the plan process is started; the solver gets half of the deadline, import and model the rest."""
    return (sys.executable, "-m", "powerctl.allocation.plan_worker", str(deadline_s / 2))


def _ignored(_result: str, _detail: str) -> None:
    """Nobody wants to know."""


class PlanProcess:
    """Asks for a plan now and then, checks the answer, and replaces a process that fails.

    Args:
        interval_s: Between two plans when nothing changes.
        deadline_s: A process that takes longer is killed.
        ask: The problem of this moment; None: there is nothing to plan.
        take: Takes every plan that passed the check.
        command: Starts the process.
        rejects: Folder for problems whose answer did not pass the check, for `powerctl plan replay`.
        tell: Called with what became of each request, a word of the metric or `idle`, and a sentence without its stop.
    """

    def __init__(
        self,
        interval_s: float,
        deadline_s: float,
        ask: Callable[[], PlanProblem | None],
        take: Callable[[Plan, PlanProblem], None],
        command: Sequence[str] | None = None,
        rejects: Path | None = None,
        tell: Callable[[str, str], None] = _ignored,
    ) -> None:
        self._interval_s = interval_s
        self._deadline_s = deadline_s
        self._ask = ask
        self._take = take
        self._command = tuple(command or worker_command(deadline_s))
        self._rejects = rejects
        self._tell = tell
        self._process: Process | None = None
        self._changed = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process is not None else None

    def replan(self) -> None:
        """Ask again soon: what the present plan rests on has changed."""
        self._changed.set()

    async def run(self) -> NoReturn:
        """Plan until cancelled; then the process is gone."""
        try:
            while True:
                self._changed.clear()
                problem = self._ask()
                if problem is not None:
                    await self._plan(problem)
                else:
                    self._tell("idle", "")
                await asyncio.sleep(min(_SHORTEST_S, self._interval_s))
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, self._interval_s - _SHORTEST_S)):
                        await self._changed.wait()
        finally:
            await self._end()

    async def _plan(self, problem: PlanProblem) -> None:
        if self._process is not None and self._process.returncode is not None:
            await self._failed("died", f"it ended with status {self._process.returncode}")
        started = time.monotonic()
        result, detail = await self._attempt(problem)
        if result != "used":
            kept = ""
            if result == "rejected" and self._rejects is not None:
                kept = await asyncio.to_thread(_kept, self._rejects, problem)
            await self._failed(result, detail, kept)
            return
        self._tell(result, detail)
        metrics.counter("powerctl_plan_total").labels(result).inc()
        metrics.histogram("powerctl_plan_seconds").observe(time.monotonic() - started)

    async def _failed(self, result: str, detail: str, kept: str = "") -> None:
        """Count it, tell it, and start anew next time."""
        self._tell(result, detail)
        metrics.counter("powerctl_plan_total").labels(result).inc()
        _log.warning("plan_not_used", result=result, detail=detail + kept)
        await self._end()

    async def _attempt(self, problem: PlanProblem) -> tuple[str, str]:
        """What came of one request: a word for the metric, and a sentence."""
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._answer(problem)
        except TimeoutError:
            return "late", f"no answer within {self._deadline_s:g} s"
        except (OSError, asyncio.IncompleteReadError) as error:
            return "died", f"the plan process ended: {error}"
        except RemoteError as error:
            return "rejected", str(error)
        if not answer:
            return "none", "the solver found nothing"
        return self._checked(problem, answer)

    def _checked(self, problem: PlanProblem, answer: bytes) -> tuple[str, str]:
        try:
            plan = plan_from_json(answer)
        except RemoteError as error:
            return "rejected", str(error)
        reason = flaw(problem, plan)
        if reason is not None:
            return "rejected", reason
        self._take(plan, problem)
        return "used", ""

    async def _answer(self, problem: PlanProblem) -> bytes:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(*self._command, stdin=PIPE, stdout=PIPE)
        questions, answers = self._process.stdin, self._process.stdout
        if questions is None or answers is None:
            raise AssertionError("started with pipes")
        questions.write(framed(problem_to_json(problem)))
        await questions.drain()
        return await answers.readexactly(length_of(await answers.readexactly(HEADER.size)))

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _kept(folder: Path, problem: PlanProblem) -> str:
    """Write the problem for a replay; where, or why not, as the end of a sentence."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("plan-*.json"))[: 1 - _REJECTS_KEPT]:
            old.unlink()
        path = folder / f"plan-{time.time_ns()}.json"
        path.write_bytes(problem_to_json(problem))
    except OSError as error:
        return f"; the problem could not be kept: {error}"
    return f"; the problem is in {path}"
