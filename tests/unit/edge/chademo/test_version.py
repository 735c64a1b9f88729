from __future__ import annotations

import pytest

from edge.chademo.version import EDITIONS, Feature, has


@pytest.mark.parametrize("feature", Feature)
@pytest.mark.parametrize(("number", "there"), [(0, False), (1, False), (2, True), (3, True), (4, True), (255, True)])
def test_what_came_with_1_0_is_there_from_2_on(number: int, there: bool, feature: Feature) -> None:
    assert has(number, feature) is there


def test_every_number_has_its_source() -> None:
    assert sorted(EDITIONS) == [0, 1, 2, 3]
    assert all(edition.source and edition.meaning for edition in EDITIONS.values())
