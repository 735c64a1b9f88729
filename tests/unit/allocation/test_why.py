from __future__ import annotations

import pytest

from powerctl.allocation.why import LIFTS, as_json, why
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import LimitSource
from tests.unit.allocation.station import LEFT, Bench, dso, report


def test_every_source_says_what_would_lift_it() -> None:
    assert set(LIFTS) == set(LimitSource)


def test_the_binding_bound_says_what_there_would_be_without_it() -> None:
    bench = Bench(report(1, committed_kw=11.0), report(2, committed_kw=11.0), budget=dso(8.0))
    decision = bench.decide()[LEFT]
    first, second, *_ = why(decision)
    assert (first.code, first.limit_w, first.without_w) == ("dso", 4000.0, 11000.0)
    assert first.lift == "The grid operator raising or releasing its limit."
    assert second.without_w is None


def test_without_it_is_what_the_fast_path_would_give() -> None:
    bound = why(Bench(report(1), report(2), budget=dso(8.0)).settle()[LEFT])[0]
    free = Bench(report(1), report(2)).settle()[LEFT]
    assert bound.without_w == pytest.approx(free.limit.w)


def test_machines_get_codes() -> None:
    told = as_json(Bench(report(1), report(2, ConnectorState.AVAILABLE)).settle()[LEFT])
    assert told["command"] == "run"
    assert told["bounds"][0]["code"] == "hardware"
