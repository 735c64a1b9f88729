"""A setpoint is a lease, and the lowest limit binds."""

from __future__ import annotations

from typing import Any

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.ids import ConnectorId
from powerctl.core.setpoint import Command, Lease, Limit, LimitSource, Setpoint, binding
from powerctl.core.units import Power


def setpoint(**changes: Any) -> Setpoint:
    fields: dict[str, Any] = {
        "connector": ConnectorId(1),
        "sequence": 1,
        "command": Command.RUN,
        "limit": Power(5000),
        "duration_s": 3.0,
        "settle_s": 2.0,
        **changes,
    }
    return Setpoint(**fields)


def test_a_lease_ends_on_the_receivers_clock() -> None:
    lease = Lease(setpoint(), Monotonic(100.0))
    assert lease.holds(Monotonic(102.999))
    assert not lease.holds(Monotonic(103.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": Power(-1)},
        {"limit": Power(float("inf"))},
        {"duration_s": 0.0},
        {"duration_s": 61.0},
        {"settle_s": -0.1},
    ],
)
def test_a_setpoint_that_cannot_hold_is_not_made(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        setpoint(**changes)


def test_the_lowest_limit_binds_and_equals_keep_their_order() -> None:
    dso, cable, share = (
        Limit(source, Power(w), "")
        for source, w in ((LimitSource.DSO, 4200), (LimitSource.CABLE, 22000), (LimitSource.SHARE, 4200))
    )
    assert binding([cable, dso, share]) == (dso, share, cable)
