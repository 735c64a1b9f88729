"""A recording becomes an archive in records that fit the outbox."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from edge.control.uploads import CHUNK_BYTES, Uploads, archive, chunks
from powerctl.core.health import FileChunk
from powerctl.core.order import StationCommand, UploadBlackBox
from powerctl.core.record import CommandOutcome

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def recorded(folder: Path) -> None:
    for number in (1, 2):
        (folder / f"2026050{number}-left.log").write_text(f"frames {number}")
        (folder / f"2026050{number}-left.json").write_text(f'{{"session": "s-{number}"}}')


def test_the_newest_recording_or_that_of_a_session(tmp_path: Path) -> None:
    assert archive(tmp_path, "") is None
    recorded(tmp_path)
    newest = archive(tmp_path, "")
    assert newest is not None
    assert newest[0] == "20260502-left.zip"
    with zipfile.ZipFile(io.BytesIO(newest[1])) as files:
        assert sorted(files.namelist()) == ["20260502-left.json", "20260502-left.log"]
    older = archive(tmp_path, "s-1")
    assert older is not None
    assert older[0] == "20260501-left.zip"
    assert archive(tmp_path, "s-3") is None


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
    uploads = Uploads(tmp_path, kept.append)
    done = await uploads.begin(StationCommand("c", NOON, UploadBlackBox("u", "")))
    assert (done.outcome, len(kept)) == (CommandOutcome.ACCEPTED, 1)
    refused = await uploads.begin(StationCommand("d", NOON, UploadBlackBox("u", "s-9")))
    assert (refused.outcome, len(kept)) == (CommandOutcome.REJECTED, 1)
