"""Recordings of the black boxes on their way to the cloud: one archive, cut into records."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from powerctl.core.health import FileChunk
from powerctl.core.order import StationCommand, UploadBlackBox
from powerctl.core.record import CommandOutcome, CommandResult

CHUNK_BYTES: Final = 40_000
"""A record with it fits into one batch."""
LARGEST: Final = 4_000_000
NOTHING: Final = "There is no such recording."


class Uploads:
    """Sends recordings.

    Args:
        folder: Where the black boxes write.
        record: Enters a record into the outbox.
    """

    def __init__(self, folder: Path, record: Callable[[FileChunk], object]) -> None:
        self._folder = folder
        self._record = record
        self._running: set[asyncio.Task[CommandResult]] = set()

    def begin(self, command: StationCommand) -> asyncio.Task[CommandResult]:
        """Send what the command asks for; the result comes when all of it is in the outbox."""
        task = asyncio.get_running_loop().create_task(self._send(command), name="upload")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _send(self, command: StationCommand) -> CommandResult:
        action = command.action
        assert isinstance(action, UploadBlackBox)
        try:
            found = await asyncio.to_thread(archive, self._folder, action.session)
        except OSError as error:
            return CommandResult(command.command_id, CommandOutcome.REJECTED, f"The recording cannot be read: {error}")
        if found is None:
            return CommandResult(command.command_id, CommandOutcome.REJECTED, NOTHING)
        for chunk in chunks(action.upload, *found):
            self._record(chunk)
        return CommandResult(command.command_id, CommandOutcome.ACCEPTED, "")


def archive(folder: Path, session: str) -> tuple[str, bytes] | None:
    """Name and bytes of a ZIP file with the newest recording. None: there is none.

    Args:
        folder: Where the black boxes write.
        session: Only a recording that names this session. Empty: any.

    Raises:
        OSError: A file cannot be read.
    """
    for log in sorted(folder.glob("*.log"), reverse=True):
        document = log.with_suffix(".json")
        if session and not (document.exists() and session in document.read_text()):
            continue
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
            for path in (log, document):
                if path.exists():
                    files.write(path, path.name)
        return (f"{log.stem}.zip", packed.getvalue()) if packed.tell() <= LARGEST else None
    return None


def chunks(upload: str, name: str, content: bytes) -> Iterator[FileChunk]:
    """`content` as records, in order."""
    digest = hashlib.sha256(content).hexdigest()
    parts = [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]
    for number, part in enumerate(parts):
        yield FileChunk(upload, name, number, len(parts), part, digest)
