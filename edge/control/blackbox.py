"""The last minute of a connector, kept in memory and written down around every fault (pure but for its files).

A recording is a candump log of the vehicle's bus, both directions, and a JSON file of lines, setpoints, states and
measurements with the same time base. Taking notes costs an append; writing happens in a thread, after the fault's
aftermath was recorded too.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from edge.can.frame import Frame
from powerctl.core.clock import Monotonic, after

BEFORE_S: Final = 60.0
AFTER_S: Final = 5.0
MOST_FRAMES: Final = 6000
"""A minute of twice the frames that a vehicle and a station send: 5 + 3 ids at 10 Hz are 4800."""
RECENT: Final = 40
"""Frames; half a second of a busy bus."""
MOST_NOTES: Final = 4000
MOST_RECORDINGS: Final = 50
"""Older ones are removed; each takes about 400 kB."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened."""

    at: Monotonic
    kind: str
    """`lines`, `setpoint`, `state`, `output`, `status`, `fault` or `order`."""
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be written down."""

    connector: int
    why: str
    offset_s: float
    """From the monotonic clock to seconds since 1970."""
    taken_at: Monotonic
    frames: tuple[tuple[Monotonic, Frame, bool], ...]
    """When, what, and whether we have sent it."""
    notes: tuple[Note, ...]

    @property
    def name(self) -> str:
        """Name of its files, without ending."""
        return f"{self._utc():%Y%m%dT%H%M%S}-connector{self.connector}-{self.why}"

    def candump(self) -> str:
        """The frames in candump's log format."""
        return "".join(self._line(*entry) for entry in self.frames)

    def document(self) -> str:
        """Everything else as JSON."""
        notes = [{"time": self._wall(note.at), "kind": note.kind, **note.values} for note in self.notes]
        head = {"connector": self.connector, "why": self.why, "time": self._utc().isoformat(), "notes": notes}
        return json.dumps(head, indent=1, default=str)

    def _line(self, at: Monotonic, frame: Frame, sent: bool) -> str:
        identity = f"{frame.frame_id:08X}" if frame.extended else f"{frame.frame_id:03X}"
        direction = "T" if sent else "R"
        return f"({self._wall(at):.6f}) can{self.connector} {identity}#{frame.data.hex().upper()} {direction}\n"

    def _wall(self, at: Monotonic) -> float:
        return round(at + self.offset_s, 6)

    def _utc(self) -> datetime:
        return datetime.fromtimestamp(self._wall(self.taken_at), UTC)


class BlackBox:
    """One connector's memory.

    Args:
        started: Both clocks at one instant, so that files carry the wall clock.
    """

    def __init__(self, connector: int, started: tuple[Monotonic, datetime]) -> None:
        self._connector = connector
        self._started = started
        self._frames: deque[tuple[Monotonic, Frame, bool]] = deque(maxlen=MOST_FRAMES)
        self._notes: deque[Note] = deque(maxlen=MOST_NOTES)
        self._latest: dict[str, Mapping[str, Any]] = {}
        self._fault: str | None = None
        self._due: Monotonic | None = None

    def heard(self, frame: Frame, now: Monotonic) -> None:
        """A frame from the vehicle."""
        self._frames.append((now, frame, False))

    def sent(self, frames: Iterable[Frame], now: Monotonic) -> None:
        """Frames to the vehicle."""
        self._frames.extend((now, frame, True) for frame in frames)

    def latest_frames(self) -> dict[int, bytes]:
        """The latest data of every id on the bus within the last frames, ours and the vehicle's."""
        recent = (self._frames[place] for place in range(max(-len(self._frames), -RECENT), 0))
        return {frame.frame_id: frame.data for _, frame, _ in recent}

    def note(self, kind: str, now: Monotonic, **values: Any) -> None:
        """Something happened; what repeats the last note of its kind is left out."""
        if self._latest.get(kind) != values:
            self._latest[kind] = values
            self._notes.append(Note(now, kind, values))

    def fault(self, code: str, now: Monotonic) -> None:
        """A fault began: a recording will be due when its aftermath is in."""
        self.note("fault", now, code=code)
        if self._due is None:
            self._fault, self._due = code, after(now, AFTER_S)

    def due(self, now: Monotonic, *, at_once: bool = False) -> Recording | None:
        """A recording that is to be written now; each is handed out once.

        Args:
            now: This instant.
            at_once: Do not wait for the aftermath: the program ends.
        """
        if self._due is None or (now < self._due and not at_once):
            return None
        code, self._due = self._fault or "fault", None
        return self.recording(code, now)

    def recording(self, why: str, now: Monotonic) -> Recording:
        """The last minute as it is known now."""
        since = now - BEFORE_S - AFTER_S
        return Recording(
            self._connector,
            why,
            self._started[1].timestamp() - self._started[0],
            now,
            tuple(entry for entry in self._frames if entry[0] >= since),
            tuple(note for note in self._notes if note.at >= since),
        )


def keep(recording: Recording, folder: Path) -> Path:
    """Write the recording down and remove what is too old; returns the path of its log.

    Raises:
        OSError: The disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{recording.name}.log"
    log.write_text(recording.candump())
    log.with_suffix(".json").write_text(recording.document())
    for old in sorted(folder.glob("*.log"))[:-MOST_RECORDINGS]:
        old.unlink(missing_ok=True)
        old.with_suffix(".json").unlink(missing_ok=True)
    return log
