"""The plan process, asked and waited for: for simulations and replays, where nothing else goes on."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from types import TracebackType
from typing import Self

from powerctl.allocation.plan_check import flaw
from powerctl.allocation.plan_frame import HEADER, framed, length_of
from powerctl.allocation.plan_problem import Plan, PlanProblem, plan_from_json, problem_to_json
from powerctl.allocation.plan_process import worker_command
from powerctl.core.errors import RemoteError


class WaitingPlanner:
    """Use it as a context; then call it with a problem.

    Args:
        deadline_s: Given to the solver.
    """

    def __init__(self, deadline_s: float = 10.0) -> None:
        self._deadline_s = deadline_s
        self._process: subprocess.Popen[bytes] | None = None
        self.reason = ""
        """Why the last answer was not used."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603
            worker_command(self._deadline_s), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.communicate()

    def __call__(self, problem: PlanProblem) -> Plan | None:
        """The plan, or None with a `reason`."""
        try:
            answer = self._asked(problem)
            plan = plan_from_json(answer) if answer else None
        except (OSError, RemoteError) as error:
            self.reason = str(error)
            return None
        self.reason = "the solver found nothing" if plan is None else flaw(problem, plan) or ""
        return None if self.reason else plan

    def _asked(self, problem: PlanProblem) -> bytes:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise AssertionError("used outside its context")
        process.stdin.write(framed(problem_to_json(problem)))
        process.stdin.flush()
        header = process.stdout.read(HEADER.size)
        if len(header) != HEADER.size:
            raise OSError("the plan process has ended")
        return process.stdout.read(length_of(header))
