"""What holds for every test."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine; performance is measured in benchmarks.
settings.register_profile("powerctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("powerctl")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes and mostly waits goes first, so that everything else runs beside it."""
    items.sort(key=lambda item: "tests/soak/" not in item.nodeid)
