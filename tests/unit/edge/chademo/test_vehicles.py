from __future__ import annotations

from edge.chademo.vehicles import Identity, Lesson, VehicleRule, lesson_for, rule_for, struck, waited

LEAF = Identity(1, 2, 435, 6)
KIT = Identity(None, 1, 410, 0)


def test_the_first_rule_that_fits_counts() -> None:
    rules = (VehicleRule("other maker", maker=9), VehicleRule("leaf", maker=1, min_current_a=6), VehicleRule("all"))
    assert rule_for(LEAF, rules) == rules[1]
    assert rule_for(KIT, rules) == rules[2]
    assert rule_for(KIT, rules[:2]) is None


def test_what_a_rule_does_not_name_does_not_matter() -> None:
    assert rule_for(LEAF, (VehicleRule("x", protocol_number=2, max_voltage_v=435),)) is not None
    assert rule_for(LEAF, (VehicleRule("x", protocol_number=2, max_voltage_v=400),)) is None


def test_strikes_add_up_for_one_kind_of_vehicle() -> None:
    lessons = struck(struck((), LEAF, 1), KIT, 2)
    assert (lesson_for(LEAF, lessons).firm, lesson_for(KIT, lessons).firm) == (False, True)
    assert lesson_for(LEAF, struck(lessons, LEAF, 1)).firm is True


def test_the_shortest_pause_counts() -> None:
    lessons = waited(waited(waited((), LEAF, 300.0), LEAF, 120.0), LEAF, 340.0)
    assert lessons == (Lesson(LEAF, 0, 120.0),)


def test_memory_is_bounded_and_the_latest_stay() -> None:
    lessons: tuple[Lesson, ...] = ()
    for volts in range(100):
        lessons = struck(lessons, Identity(None, 1, volts, 0), 1)
    assert len(lessons) == 16
    assert lessons[0].identity.max_voltage_v == 99
