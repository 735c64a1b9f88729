"""A recording becomes an archive in records that fit the outbox."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from edge.can.frame import Frame
from edge.control.blackbox import BlackBox, Recording
from edge.control.uploads import CHUNK_BYTES, Uploads, archive, chunks
from powerctl.core.clock import Monotonic
from powerctl.core.health import FileChunk
from powerctl.core.order import StationCommand, UploadBlackBox
from powerctl.core.record import CommandOutcome

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOW = Monotonic(6.0)


def recorded(folder: Path) -> None:
    for number in (1, 2):
        (folder / f"2026050{number}-left.log").write_text(f"frames {number}")
        (folder / f"2026050{number}-left.json").write_text(f'{{"session": "s-{number}"}}')


def test_the_newest_recording_or_that_of_a_session(tmp_path: Path) -> None:
    assert archive(tmp_path, "", ()) is None
    recorded(tmp_path)
    newest = archive(tmp_path, "", ())
    assert newest is not None
    assert newest[0] == "20260502-left.zip"
    with zipfile.ZipFile(io.BytesIO(newest[1])) as files:
        assert sorted(files.namelist()) == ["20260502-left.json", "20260502-left.log"]
    older = archive(tmp_path, "s-1", ())
    assert older is not None
    assert older[0] == "20260501-left.zip"
    assert archive(tmp_path, "s-3", ()) is None


def remembered(connector: int, session: str) -> Recording:
    box = BlackBox(connector, (Monotonic(0.0), NOON))
    box.heard(Frame(0x102, bytes(8)), Monotonic(5.0))
    box.note("status", Monotonic(5.0), session=session)
    return box.recording("asked", Monotonic(6.0))


def names(packed: tuple[str, bytes] | None) -> list[str]:
    assert packed is not None
    with zipfile.ZipFile(io.BytesIO(packed[1])) as files:
        return sorted(files.namelist())


def test_nothing_went_wrong_and_yet_there_is_the_last_minute(tmp_path: Path) -> None:
    boxes = [remembered(1, "s-7"), remembered(2, "s-8"), BlackBox(3, (Monotonic(0.0), NOON)).recording("asked", NOW)]
    assert names(archive(tmp_path, "", boxes)) == [
        "20260501T120006-connector1-asked.json",
        "20260501T120006-connector1-asked.log",
        "20260501T120006-connector2-asked.json",
        "20260501T120006-connector2-asked.log",
    ]
    assert names(archive(tmp_path, "s-8", boxes)) == [
        "20260501T120006-connector2-asked.json",
        "20260501T120006-connector2-asked.log",
    ]
    assert archive(tmp_path, "s-9", boxes) is None
    recorded(tmp_path)
    assert len(names(archive(tmp_path, "", boxes))) == 6
    assert list(tmp_path.glob("*asked*")) == []


def test_the_parts_make_the_whole() -> None:
    content = bytes(range(256)) * 400
    parts = list(chunks("u", "a.zip", content))
    assert [part.number for part in parts] == [0, 1, 2]
    assert all(len(part.content) <= CHUNK_BYTES and part.count == 3 for part in parts)
    whole = b"".join(part.content for part in parts)
    assert whole == content
    assert {part.digest for part in parts} == {hashlib.sha256(content).hexdigest()}


async def test_the_command_is_answered_when_all_is_in_the_outbox(tmp_path: Path) -> None:
    recorded(tmp_path)
    kept: list[FileChunk] = []
    uploads = Uploads(tmp_path, list, kept.append)
    done = await uploads.begin(StationCommand("c", NOON, UploadBlackBox("u", "")))
    assert (done.outcome, len(kept)) == (CommandOutcome.ACCEPTED, 1)
    refused = await uploads.begin(StationCommand("d", NOON, UploadBlackBox("u", "s-9")))
    assert (refused.outcome, len(kept)) == (CommandOutcome.REJECTED, 1)
