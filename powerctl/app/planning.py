"""The plan of a running station: asked for, kept while it is young, told in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from powerctl.allocation.plan_guidance import Guidance, guidance_of
from powerctl.allocation.plan_problem import Plan, PlanProblem
from powerctl.allocation.plan_process import PlanProcess
from powerctl.app.manager_settings import PlanSettings
from powerctl.core.clock import Clock, Monotonic
from powerctl.core.demand import ConnectorReport
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.record import PlanState, PlanStatus

_PLANS_KEPT: Final = 3
"""A plan ages out when this many new ones have failed to come."""
_REMEMBERED: Final = timedelta(minutes=10)
"""How long a failure is told after the next good plan."""

_WORDS: Final[Mapping[str, str]] = {
    "died": "The plan process ended",
    "late": "The plan process did not answer in time",
    "rejected": "The plan process gave an answer that failed the check",
    "none": "The solver found no plan",
}
"""What became of a request, as the beginning of a sentence."""
_UNSURE: Final = "There is a plan, but too little is known yet of how long vehicles stay here: it changes no share."
_HOLDS: Final = "It was replaced; free power is divided without it meanwhile, and every limit holds."


class Planning:
    """Owns the plan process and its newest plan. Called in the loop; never waits.

    Args:
        settings: What is commissioned.
        clock: Both clocks.
        ask: The question of this moment; None: there is nothing to plan.
        changed: Called when `status` is another than before.
        rejects: Folder for questions whose answer failed the check.
    """

    def __init__(
        self,
        settings: PlanSettings,
        clock: Clock,
        ask: Callable[[], PlanProblem | None],
        changed: Callable[[], None],
        rejects: Path,
    ) -> None:
        self._clock = clock
        self._ages_after_s = _PLANS_KEPT * settings.interval_s
        self._changed = changed
        self._failure: tuple[str, datetime] | None = None
        self._planned_for: tuple[SessionId | None, ...] = ()
        self.newest: tuple[Plan, PlanProblem, Monotonic] | None = None
        """The plan in use, its question, and when it came. None: there is none."""
        self.status = PlanStatus(PlanState.OFF, "No plan is commissioned.", clock.utc())
        self.process: PlanProcess | None = None
        if settings.enabled:
            self._say(PlanState.IDLE, "There is nothing to plan yet.")
            self.process = PlanProcess(
                settings.interval_s, settings.deadline_s, ask, self._take, rejects=rejects, tell=self._told
            )

    def replan(self) -> None:
        """The question is another one: ask at once."""
        if self.process is not None:
            self.process.replan()

    def guidance(self, reports: Mapping[ConnectorId, ConnectorReport], now: Monotonic) -> Guidance:
        """From the plan, unless it is too old or made for other sessions."""
        sessions = tuple(report.session for _, report in sorted(reports.items()))
        if sessions != self._planned_for:
            self._planned_for, self.newest = sessions, None
            self.replan()
        if self.newest is None:
            return Guidance()
        plan, problem, taken_at = self.newest
        age_s = now - taken_at
        return guidance_of(plan, problem, age_s) if age_s < self._ages_after_s else Guidance()

    def departures(self, now: Monotonic) -> dict[ConnectorId, datetime]:
        """When the plan expects the vehicles to leave. Empty: there is no plan for them."""
        if self.newest is None:
            return {}
        _, problem, taken_at = self.newest
        made = self._clock.utc() - timedelta(seconds=now - taken_at)
        there = [one for one in problem.sessions if one.from_s <= 0.0]
        return {ConnectorId(one.connector): made + timedelta(seconds=one.stay_s) for one in there}

    def _take(self, plan: Plan, problem: PlanProblem) -> None:
        self.newest = plan, problem, self._clock.monotonic()

    def _told(self, result: str, detail: str) -> None:
        """The plan process says what became of a request."""
        if result == "idle":
            self._say(PlanState.IDLE, "There is nothing to plan: at most one vehicle, and no price that changes.")
        elif result == "used":
            self._say(PlanState.USED, self._use() + self._past())
        else:
            what = f"{_WORDS[result]}: {detail}. {_HOLDS}"
            self._failure = what, self._clock.utc()
            self._say(PlanState.FAILED, what)

    def _use(self) -> str:
        """What the newest plan does."""
        if self.newest is not None and guidance_of(self.newest[0], self.newest[1], 0.0) == Guidance():
            return _UNSURE
        return "A plan shapes the shares."

    def _past(self) -> str:
        """The last failure, while it is recent."""
        if self._failure is None:
            return ""
        what, at = self._failure
        return f" At {at:%H:%M:%S} UTC: {what}" if self._clock.utc() - at < _REMEMBERED else ""

    def _say(self, state: PlanState, detail: str) -> None:
        if (state, detail) != (self.status.state, self.status.detail):
            self.status = PlanStatus(state, detail, self._clock.utc())
            self._changed()
