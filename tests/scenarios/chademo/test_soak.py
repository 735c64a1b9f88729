"""Whatever happens at random: no connector is energised with an open lock, and every fault takes the output off."""

from __future__ import annotations

import pytest

from edge.chademo.table import Code
from tests.scenarios.chademo.soak import Soak


@pytest.mark.parametrize("seed", range(1, 5))
def test_minutes_of_random_faults_leave_nothing_energised(seed: int) -> None:
    soak = Soak(seed)
    soak.passes(180)
    assert soak.charged >= 1


@pytest.mark.slow
def test_an_hour_of_random_faults_leaves_nothing_energised() -> None:
    soak = Soak(2026)
    soak.passes(3600)
    assert soak.charged >= 20
    assert len([code for code in Code if soak.seen[code.value]]) >= 12
