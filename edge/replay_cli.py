"""`powerctl-edge replay`: a recorded session against this controller's protocol core."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from edge.chademo.logs import Log, Recorded, read_log
from edge.chademo.recorded_station import begins_midway, commissioned, has_station, sessions
from edge.chademo.replay import Replay, replay, spans
from powerctl.core.errors import ConfigError, RemoteError

DESCRIPTION: Final = "Run a vehicle's recording (candump or SavvyCAN) against the controller and say where it differs."
CLEAN, DIFFERS, UNREADABLE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `powerctl-edge replay`."""
    parser.add_argument("log", type=Path, metavar="LOG", help="candump -L, candump -t a, or SavvyCAN's CSV")
    parser.add_argument("--channel", help="only this bus of the recording")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(log: Path, channel: str | None, *, as_json: bool) -> int:
    """Print the report. Exit status 0: nothing is unexplained; 1: something is; 2: the file cannot be read."""
    try:
        recording = _read(log, channel)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return UNREADABLE
    reports = [_report(part) for part in sessions(recording.frames)]
    if as_json:
        print(json.dumps({"sessions": reports, "extended_frames": recording.extended}, indent=2))
    else:
        print("\n".join(_lines(reports, recording.extended)))
    return DIFFERS if any(report["unexplained"] for report in reports) else CLEAN


def _read(log: Path, channel: str | None) -> Log:
    try:
        with log.open(encoding="utf-8", errors="replace", newline="") as lines:
            return read_log(lines, channel)
    except OSError as error:
        raise ConfigError(str(log), f"{error.strerror or error}.", "Name a file that can be read.") from error
    except RemoteError as error:
        raise ConfigError(str(log), f"{error}.", "Record with candump -L, or export SavvyCAN's native CSV.") from error


def _report(part: Sequence[Recorded]) -> dict[str, Any]:
    midway = begins_midway(part)
    # Ours cannot be brought into the middle of a sequence: it would call everything that follows a fault.
    result = Replay() if midway else replay(part, commissioned(part))
    return {
        "begin_s": round(part[0].at, 3),
        "begins_midway": midway,
        "compared_with_station": has_station(part),
        "compared_periods": result.compared,
        "rejected_frames": result.rejected,
        "phases": [{"at_s": at, "phase": phase.value} for at, phase in result.phases],
        "unexplained": len(result.findings),
        "differences": [
            {
                "name": span.name,
                "begin_s": span.begin,
                "end_s": span.end,
                "periods": span.periods,
                "ours": _shown(span.ours),
                "theirs": _shown(span.theirs),
                "explanation": span.explanation,
            }
            for span in spans(result.differences)
        ],
    }


def _shown(value: object) -> object:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _lines(reports: Sequence[dict[str, Any]], extended: int) -> Iterator[str]:
    if extended:
        yield f"{extended} frames have 29-bit identifiers: no station hears them."
    if not reports:
        yield "The recording holds no frame of a vehicle's charging sequence."
    for number, report in enumerate(reports, start=1):
        yield from _session_lines(number, report)


def _session_lines(number: int, report: dict[str, Any]) -> Iterator[str]:
    if report["begins_midway"]:
        yield (
            f"Session {number}, from {report['begin_s']:.3f} s of the recording: it was charging before the recording "
            "begins, and nothing can be run against it without its start."
        )
        return
    against = "the vehicle alone" if not report["compared_with_station"] else f"{report['compared_periods']} periods"
    yield f"Session {number}, from {report['begin_s']:.3f} s of the recording: {against}."
    for step in report["phases"]:
        yield f"  {step['at_s']:9.3f} s  {step['phase']}"
    for span in report["differences"]:
        when = f"{span['begin_s']:.2f}-{span['end_s']:.2f} s"
        why = span["explanation"] or "UNEXPLAINED"
        yield f"  {when:>20}  {span['name']}: ours {span['ours']}, theirs {span['theirs']} ({span['periods']}x). {why}"
    found = report["unexplained"]
    yield f"  {found} periods unexplained." if found else "  Nothing is unexplained."
