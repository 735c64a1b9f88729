"""The [station] table says what every program must know, and refuses contradictions."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from powerctl.core.topology import ConnectorType
from powerctl.core.units import Power
from powerctl.runtime.station import StationSettings


def connector(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": "chademo",
        "position": "left",
        "max_power_w": 22000,
        "max_current_a": 60,
        "max_voltage_v": 500,
        "min_power_w": 300,
        "fallback_w": 1500,
        **changes,
    }


def station(**changes: Any) -> StationSettings:
    table = {
        "id": "demo-1",
        "display_name": "Demo",
        "rating_w": 22000,
        "state_dir": "state",
        "connector": [connector(2), connector(1)],
        **changes,
    }
    return StationSettings.model_validate(table)


def test_connectors_come_in_order_of_their_ids() -> None:
    first, second = station().capabilities()
    assert (first.connector, second.connector) == (1, 2)
    assert first.type is ConnectorType.CHADEMO
    assert first.fallback == Power(1500)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"id": "no spaces here"}, "letters, digits and hyphens"),
        ({"connector": [connector(1), connector(1)]}, "two connectors have the same id"),
        ({"connector": [connector(1, fallback_w=30000)]}, "fallback_w 30000 is above max_power_w 22000"),
        ({"connector": [connector(1, min_power_w=30000)]}, "min_power_w 30000 is above max_power_w 22000"),
        ({"connector": []}, "at least 1"),
        ({"rating_w": 0}, "greater than 0"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        station(**changes)


def test_the_safe_share_and_the_rating_have_no_default() -> None:
    without = {key: value for key, value in connector(1).items() if key != "fallback_w"}
    with pytest.raises(ValidationError, match="fallback_w"):
        station(connector=[without])
    with pytest.raises(ValidationError, match="rating_w"):
        StationSettings.model_validate({"id": "a", "display_name": "b", "state_dir": "c", "connector": [connector(1)]})
