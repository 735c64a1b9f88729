"""The page and the cloud say the same of who binds."""

from __future__ import annotations

import re
from pathlib import Path

from cloud.domain.why import _CONNECTOR_SOURCES
from powerctl.core.setpoint import LimitSource

CHANGE = Path(__file__).resolve().parents[4] / "cloud/web/src/domain/change.ts"


def test_the_page_knows_the_clouds_words_for_a_vehicle_that_asks_for_less() -> None:
    found = re.search(r'VEHICLE_WORDS = "([^"]+)"', CHANGE.read_text())
    assert found is not None
    assert found.group(1) == _CONNECTOR_SOURCES[LimitSource.VEHICLE]
