"""Which constraint a need gives way to."""

from __future__ import annotations

import pytest

from powerctl.allocation.plan_problem import STEPS, Plan, PlanProblem, PlanSession, grid
from powerctl.allocation.plan_shortfall import Cause, shortfalls

STEPS_S = grid()


def _planned(cap_w: float, plans_w: dict[int, float], *sessions: PlanSession) -> tuple[PlanProblem, Plan]:
    problem = PlanProblem(STEPS_S, (cap_w,) * STEPS, sessions)
    hour = sum(1 for start in range(STEPS) if sum(STEPS_S[: start + 1]) <= 3600.0)
    return problem, Plan({c: (watts,) * hour + (0.0,) * (STEPS - hour) for c, watts in plans_w.items()})


def _hour(connector: int, need_wh: float) -> PlanSession:
    return PlanSession(connector, need_wh, 22_000.0, 3600.0)


@pytest.mark.parametrize(
    ("cap_w", "need_wh", "cause"),
    [(22_000.0, 30_000.0, Cause.STAY), (8_000.0, 10_000.0, Cause.CAP), (22_000.0, 15_000.0, Cause.SHARING)],
)
def test_the_constraint_that_binds_is_named(cap_w: float, need_wh: float, cause: Cause) -> None:
    problem, plan = _planned(cap_w, {1: cap_w / 2, 2: cap_w / 2}, _hour(1, need_wh), _hour(2, cap_w / 2))
    (found,) = shortfalls(problem, plan)
    assert (found.connector, found.cause) == (1, cause)
    assert found.missing_wh == pytest.approx(need_wh - cap_w / 2, rel=0.05)
    assert found.sentence.startswith("Connector 1 is planned to lack")


def test_nothing_is_said_where_everybody_gets_what_they_need() -> None:
    problem, plan = _planned(22_000.0, {1: 11_000.0, 2: 11_000.0}, _hour(1, 10_900.0), _hour(2, 10_900.0))
    assert shortfalls(problem, plan) == ()
