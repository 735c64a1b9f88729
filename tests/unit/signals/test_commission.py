"""From settings to the first register image."""

from __future__ import annotations

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command
from powerctl.core.units import Power
from powerctl.signals.commission import Identity, fresh_image, open_slots, power_scale, saved_of
from powerctl.signals.store import Saved, SavedSlot
from tests.unit.signals.station import RATING, grid_settings

T0 = Monotonic(0.0)
LONG = Identity("S" * 36, "1.2.3.dev45+gabcdef0123456")


@pytest.mark.parametrize(("rating", "scale"), [(22_000, 0), (32_767, 0), (50_000, 1), (400_000, 2)])
def test_power_registers_fit_the_rating(rating: float, scale: int) -> None:
    assert power_scale(Power(rating)) == scale


def test_a_larger_station_counts_in_larger_units() -> None:
    rating = Power(150_000)
    slots = open_slots(grid_settings(failsafe_w=50_000), rating, Saved(), T0)
    image = fresh_image(rating, slots, Identity("S", "1"), None, T0)
    assert (image.get("64300.W_SF"), image.get("64300.Src.0.FsW"), image.get("702.WMaxRtg")) == (1, 5000, 15_000)
    assert slots.contributions(T0)[0].cap == Power(50_000)


def test_long_names_are_cut_and_never_stop_the_start() -> None:
    slots = open_slots(grid_settings(), RATING, Saved(), T0)
    image = fresh_image(RATING, slots, LONG, None, T0)
    assert (image.get("1.SN"), image.get("1.Vr")) == ("S" * 32, "1.2.3.dev45+gabc")


def test_saved_values_go_before_settings() -> None:
    saved = Saved(slots={0: SavedSlot(failsafe_w=6000, failsafe_min_s=9000, held="pause")})
    slots = open_slots(grid_settings(), RATING, saved, T0)
    assert (slots[0].registers["FsW"], slots[0].registers["FsTms"], slots[0].held) == (6000, 9000, Command.PAUSE)
    assert saved_of(slots, None, T0) == saved


def test_a_slot_that_is_no_longer_commissioned_is_not_revived() -> None:
    saved = Saved(slots={0: SavedSlot(failsafe_w=6000, failsafe_min_s=9000)})
    assert list(open_slots(grid_settings(commissioned=False), RATING, saved, T0)) == []
