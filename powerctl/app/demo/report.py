"""The report of a scripted story, and whether every invariant held. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from powerctl.app.demo.stories import Story

MAX_LATENCY_MS: Final = 250.0
"""Above this a decrease is a violation in a story on any machine; the targets themselves are benchmarks."""
TAPER_GAIN_W: Final = 1000.0
"""How much more than half the station the other connector must have had while one tapered."""

KEYS: Final = (
    "scenario",
    "seed",
    "duration_s",
    "ok",
    "violations",
    "signal_to_can_ms",
    "overshoot_w",
    "sessions",
    "records",
    "events",
)


def assemble(
    story: Story,
    *,
    seed: int,
    duration_s: float,
    measured: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    started_at: float,
    expected_sessions: int,
) -> dict[str, Any]:
    """The report.

    Args:
        story: What was played.
        seed: With which seed.
        duration_s: How long it took.
        measured: What the observer says.
        events: What happened, with instants in seconds since the start.
        started_at: Monotonic instant of the start; the observer's instants count from it.
        expected_sessions: How many sessions must have a receipt.
    """
    observed = [{**v, "t": round(v["t"] - started_at, 3)} for v in measured["violations"]]
    found = [*judge(story, measured, expected_sessions)]
    violations = [*observed, *({"t": round(duration_s, 3), "name": name, "detail": detail} for name, detail in found)]
    report = {
        "scenario": story.name,
        "seed": seed,
        "duration_s": round(duration_s, 3),
        "ok": not violations,
        "violations": violations,
        **{key: measured[key] for key in ("signal_to_can_ms", "overshoot_w", "sessions", "records")},
        "events": list(events),
    }
    return {key: report[key] for key in KEYS}


def judge(story: Story, measured: Mapping[str, Any], expected_sessions: int) -> Iterable[tuple[str, str]]:
    """What did not hold at the end, as name and sentence."""
    yield from _sessions(measured["sessions"], expected_sessions)
    yield from _records(measured["records"])
    yield from _signals(story, measured)
    if story.tapers:
        peak_w = measured["peak_w"][2 - story.tapers]
        half_w = sum(measured["peak_w"]) / 2
        if peak_w < half_w + TAPER_GAIN_W / 2:
            yield "taper", f"the other connector never had more than {peak_w:.0f} W; it was to gain what the taper left"


def _sessions(sessions: Sequence[Mapping[str, Any]], expected: int) -> Iterable[tuple[str, str]]:
    if len(sessions) < expected:
        yield "sessions", f"{len(sessions)} sessions were charged, {expected} were expected"
    for session in sessions:
        if session["receipt_id"] is None:
            yield "receipt", f"session {session['id']} has no receipt"
        elif session["energy_wh"] <= 0:
            yield "receipt", f"session {session['id']} has a receipt over {session['energy_wh']} Wh"


def _records(records: Mapping[str, int]) -> Iterable[tuple[str, str]]:
    if records["lost"]:
        yield "records", f"{records['lost']} of {records['produced']} records did not reach the database"
    if records["duplicates"]:
        yield "records", f"{records['duplicates']} records were counted twice"


def _signals(story: Story, measured: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    latency = measured["signal_to_can_ms"]
    if story.expects_decrease and not latency["n"]:
        yield "signal", "no decrease was measured from signal to CAN"
    if latency["n"] and latency["max"] > MAX_LATENCY_MS:
        yield "signal", f"a decrease took {latency['max']:.0f} ms to the first frame"
