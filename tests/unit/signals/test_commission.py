"""From settings to the first register image."""

from __future__ import annotations

import pytest

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command
from powerctl.core.units import Power
from powerctl.signals.commission import Identity, open_panel, open_slots, power_scale, rights_of, saved_of
from powerctl.signals.mailbox import Stamp
from powerctl.signals.store import Saved, SavedSlot
from tests.unit.signals.station import EPOCH, RATING, grid_settings

T0 = Monotonic(0.0)
START = Stamp(T0, EPOCH)
LONG = Identity("S" * 36, "1.2.3.dev45+gabcdef0123456")


@pytest.mark.parametrize(("rating", "scale"), [(22_000, 0), (32_767, 0), (50_000, 1), (400_000, 2)])
def test_power_registers_fit_the_rating(rating: float, scale: int) -> None:
    assert power_scale(Power(rating)) == scale


def test_a_larger_station_counts_in_larger_units() -> None:
    rating = Power(150_000)
    settings = grid_settings(failsafe_w=50_000)
    image, panel = open_panel(settings, rating, Identity("S", "1"), Saved(), START)
    assert (image.get("64300.W_SF"), image.get("64300.Src.0.FsW"), image.get("702.WMaxRtg")) == (1, 5000, 15_000)
    assert (image.get("704.WSet_SF"), image.get("714.DCW_SF")) == (1, 1)
    assert panel.contributions(T0)[0].cap == Power(50_000)


def test_long_names_are_cut_and_never_stop_the_start() -> None:
    image, _ = open_panel(grid_settings(), RATING, LONG, Saved(), START)
    assert (image.get("1.SN"), image.get("1.Vr")) == ("S" * 32, "1.2.3.dev45+gabc")


def test_saved_values_go_before_settings() -> None:
    saved = Saved(
        slots={0: SavedSlot(failsafe_w=6000, failsafe_min_s=9000, held="pause")},
        charge_rate_max_w=11_000,
        registers={
            "1.DA": 7,
            "703.ES": 0,
            "703.ESDlyTms": 30,
            "703.ESRndTms": 600,
            "703.ESRmpTms": 60,
            "715.OpCtl": 2,
            "64300.CmtMod": 1,
        },
    )
    image, panel = open_panel(grid_settings(), RATING, LONG, saved, START)
    box = panel.slots[0]
    assert (box.registers["FsW"], box.registers["FsTms"], box.held) == (6000, 9000, Command.PAUSE)
    assert (image.get("702.WChaRteMax"), image.get("1.DA"), image.get("703.ESRndTms")) == (11_000, 7, 600)
    assert saved_of(panel, T0) == saved


def test_a_saved_register_that_the_map_no_longer_takes_is_dropped() -> None:
    saved = Saved(registers={"1.DA": 0, "9.Gone": 1, "703.ES": 0, "64300.CmtMod": 7})
    image, panel = open_panel(grid_settings(), RATING, LONG, saved, START)
    assert (image.get("1.DA"), image.get("703.ES"), panel.controls.on_seq) == (1, 0, False)


def test_the_control_slot_is_the_first_commissioned_one_unless_it_is_named() -> None:
    first = grid_settings(index=2, source="aggregator")
    assert rights_of(first).control_slot == 2
    assert rights_of(first.model_copy(update={"control_slot": 1})).control_slot is None
    assert rights_of(grid_settings(commissioned=False)).control_slot is None


def test_a_slot_that_is_no_longer_commissioned_is_not_revived() -> None:
    saved = Saved(slots={0: SavedSlot(failsafe_w=6000, failsafe_min_s=9000)})
    assert list(open_slots(grid_settings(commissioned=False), RATING, saved, T0)) == []
