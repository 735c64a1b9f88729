"""`powerctl-edge replay` from the command line: the public recording, and sessions that our own cores have recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from edge.chademo.logs import Recorded, read_log
from edge.cli import main
from tests.scenarios.chademo.rig import ORDERLY, Rig

INDRA = Path(__file__).resolve().parents[2] / "vectors" / "chademo" / "leaf-indra-start-stop.csv"


def candump(frames: Iterable[Recorded]) -> str:
    return "".join(f"({frame.at:.6f}) can0 {frame.frame_id:03X}#{frame.data.hex()}\n" for frame in frames)


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = main(["replay", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_session_that_is_stopped_in_a_pause_replays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rig = Rig(ORDERLY[0]).charging().offer(5, settle=3).passes(5).offer(0, settle=3).passes(5).stop().passes(15)
    log = tmp_path / "paused.log"
    log.write_text(candump(both_sides(rig)))
    status, report = replayed(capsys, str(log))
    phases = [step["phase"] for step in report["sessions"][0]["phases"]]
    assert "paused" in phases
    assert (status, report["sessions"][0]["unexplained"]) == (0, 0)


def recorded(model: str) -> list[Recorded]:
    """A session of our station with one of our cars, both sides."""
    return both_sides(Rig(model).charging().offer(5, settle=3).passes(10).stop().passes(15))


def both_sides(rig: Rig) -> list[Recorded]:
    sides = [*((at, frame.FRAME_ID, frame.encode()) for at, frame in rig.sent), *rig.bus]
    return [Recorded(at, frame_id, data) for at, frame_id, data in sorted(sides, key=lambda one: one[0])]  # type: ignore[arg-type]


def test_the_public_recording_replays_without_an_unexplained_difference(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(INDRA)]) == 0
    text = capsys.readouterr().out
    assert "Nothing is unexplained." in text
    assert "charging" in text


def test_the_same_recording_as_candump_gives_the_same_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with INDRA.open(encoding="ascii") as lines:
        frames = read_log(lines).frames
    log = tmp_path / "indra.log"
    log.write_text(candump(frames))
    assert replayed(capsys, str(log)) == replayed(capsys, str(INDRA))


def test_a_recording_that_begins_midway_is_not_called_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with INDRA.open(encoding="ascii") as lines:
        frames = read_log(lines).frames
    log = tmp_path / "late.log"
    log.write_text(candump(frame for frame in frames if frame.at > 25))
    assert main(["replay", str(log)]) == 0
    text = capsys.readouterr().out
    assert "it was charging before the recording begins" in text
    assert "Nothing is unexplained" not in text


def test_a_station_that_behaved_otherwise_ends_with_status_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with INDRA.open(encoding="ascii") as lines:
        frames = read_log(lines).frames
    forged = [
        Recorded(frame.at, frame.frame_id, frame.data[:5] + b"\x00" + frame.data[6:])
        if frame.frame_id == 0x109 and 20 < frame.at < 21
        else frame
        for frame in frames
    ]
    log = tmp_path / "forged.log"
    log.write_text(candump(forged))
    status, report = replayed(capsys, str(log))
    assert status == 1
    (session,) = report["sessions"]
    unexplained = [span for span in session["differences"] if not span["explanation"]]
    assert {span["name"] for span in unexplained} >= {"flags"}
    assert all(16.5 < span["begin_s"] < 18.5 for span in unexplained if span["name"] == "flags")


@pytest.mark.parametrize("model", ORDERLY)
def test_what_our_own_station_has_recorded_has_nothing_unexplained(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / f"{model}.log"
    log.write_text(candump(recorded(model)))
    status, report = replayed(capsys, str(log))
    (session,) = report["sessions"]
    assert (status, session["unexplained"]) == (0, 0), session["differences"]
    assert session["compared_periods"] > 200


def test_a_vehicle_alone_is_played_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "alone.log"
    log.write_text(candump(frame for frame in recorded("leaf40") if frame.frame_id not in {0x108, 0x109}))
    status, report = replayed(capsys, str(log))
    (session,) = report["sessions"]
    assert status == 0
    assert session["compared_with_station"] is False
    assert "charging" in [step["phase"] for step in session["phases"]]


def test_two_sessions_in_one_file_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    once = recorded("leaf40")
    again = [Recorded(frame.at + 60.0, frame.frame_id, frame.data) for frame in once]  # type: ignore[arg-type]
    log = tmp_path / "two.log"
    log.write_text(candump([*once, *again]))
    status, report = replayed(capsys, str(log))
    assert (status, len(report["sessions"])) == (0, 2)


def test_a_log_of_extended_identifiers_says_why_nothing_happened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "extended.log"
    log.write_text("(1.0) can0 00000102#0000000000000000\n")
    assert main(["replay", str(log)]) == 0
    assert "29-bit" in capsys.readouterr().out


@pytest.mark.parametrize("text", [None, "nonsense\n"])
def test_what_cannot_be_read_ends_with_status_two(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "x.log"
    if text is not None:
        log.write_text(text)
    assert main(["replay", str(log)]) == 2
    assert str(log) in capsys.readouterr().err
