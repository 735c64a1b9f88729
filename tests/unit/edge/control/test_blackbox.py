"""The last minute around a fault, in files that other tools read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import can
import pytest

from edge.can.frame import Frame
from edge.control.blackbox import AFTER_S, BEFORE_S, MOST_FRAMES, MOST_RECORDINGS, BlackBox, keep
from powerctl.core.clock import Monotonic

WALL = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
SAID = Frame(0x102, bytes.fromhex("029a011f00814800"))
OURS = Frame(0x108, bytes.fromhex("01f4013cb3010000"))


def at(seconds: float) -> Monotonic:
    return Monotonic(1000.0 + seconds)


def a_box() -> BlackBox:
    return BlackBox(1, (at(0), WALL))


def test_a_recording_is_due_once_and_after_the_aftermath() -> None:
    box = a_box()
    assert box.due(at(1)) is None
    box.fault("insulation", at(2))
    assert box.due(at(2 + AFTER_S - 0.1)) is None
    recording = box.due(at(2 + AFTER_S))
    assert recording is not None
    assert recording.name == "20260501T120007-connector1-insulation"
    assert box.due(at(60)) is None


def test_two_faults_at_once_are_one_recording_named_after_the_first() -> None:
    box = a_box()
    box.fault("lock", at(1))
    box.fault("insulation", at(2))
    recording = box.due(at(10))
    assert recording is not None
    assert recording.why == "lock"
    assert [note.values["code"] for note in recording.notes] == ["lock", "insulation"]
    assert box.due(at(20)) is None


def test_when_the_program_ends_nothing_waits() -> None:
    box = a_box()
    box.fault("lock", at(1))
    assert box.due(at(1.1), at_once=True) is not None


def test_only_the_last_minute_is_kept() -> None:
    box = a_box()
    for second in range(200):
        box.heard(SAID, at(second))
    recording = box.recording("x", at(200))
    assert len(recording.frames) == BEFORE_S + AFTER_S


def test_memory_is_bounded() -> None:
    box = a_box()
    box.sent([OURS] * (MOST_FRAMES + 100), at(0))
    assert len(box.recording("x", at(0)).frames) == MOST_FRAMES


def test_notes_that_repeat_are_left_out() -> None:
    box = a_box()
    for place in range(10):
        box.note("lines", at(place), k=place > 5)
    assert [note.values["k"] for note in box.recording("x", at(10)).notes] == [False, True]


def test_another_tool_reads_the_log(tmp_path: Path) -> None:
    box = a_box()
    box.heard(SAID, at(0.5))
    box.sent([OURS], at(0.6))
    path = keep(box.recording("lock", at(1)), tmp_path)
    messages = list(can.LogReader(path))
    assert [(m.arbitration_id, bytes(m.data), m.is_rx) for m in messages] == [
        (0x102, SAID.data, True),
        (0x108, OURS.data, False),
    ]
    assert messages[0].timestamp == pytest.approx(WALL.timestamp() + 0.5)


def test_the_notes_are_json_on_the_same_time_base(tmp_path: Path) -> None:
    box = a_box()
    box.note("lines", at(0.25), k=True)
    document = json.loads(keep(box.recording("lock", at(1)), tmp_path).with_suffix(".json").read_text())
    assert document["why"] == "lock"
    assert document["notes"] == [{"time": WALL.timestamp() + 0.25, "kind": "lines", "k": True}]


def test_old_recordings_make_room(tmp_path: Path) -> None:
    box = a_box()
    for second in range(MOST_RECORDINGS + 3):
        keep(box.recording("x", at(second)), tmp_path)
    assert len(list(tmp_path.glob("*.log"))) == MOST_RECORDINGS
    assert len(list(tmp_path.glob("*.json"))) == MOST_RECORDINGS
    assert not (tmp_path / "20260501T120000-connector1-x.log").exists()
