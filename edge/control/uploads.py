"""What the black boxes hold on its way to the cloud: one archive, cut into records."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from edge.control.blackbox import Recording
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
        remembered: The last minute of every connector, as it is now.
        record: Enters a record into the outbox.
    """

    def __init__(
        self, folder: Path, remembered: Callable[[], Sequence[Recording]], record: Callable[[FileChunk], object]
    ) -> None:
        self._folder = folder
        self._remembered = remembered
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
            found = await asyncio.to_thread(archive, self._folder, action.session, self._remembered())
        except OSError as error:
            return CommandResult(command.command_id, CommandOutcome.REJECTED, f"The recording cannot be read: {error}")
        if found is None:
            return CommandResult(command.command_id, CommandOutcome.REJECTED, NOTHING)
        for chunk in chunks(action.upload, *found):
            self._record(chunk)
        return CommandResult(command.command_id, CommandOutcome.ACCEPTED, "")


def archive(folder: Path, session: str, remembered: Sequence[Recording]) -> tuple[str, bytes] | None:
    """Name and bytes of a ZIP file with the newest recording around a fault, and the last minute as it is now.

    Args:
        folder: Where the black boxes write.
        session: Only what names this session. Empty: everything.
        remembered: The last minute of every connector.

    Returns:
        None: there is nothing, or it is too large.

    Raises:
        OSError: A file cannot be read.
    """
    files = {**_kept(folder, session), **_now(session, remembered)}
    if not files:
        return None
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as into:
        for name, content in files.items():
            into.writestr(name, content)
    return (f"{Path(next(iter(files))).stem}.zip", packed.getvalue()) if packed.tell() <= LARGEST else None


def _kept(folder: Path, session: str) -> dict[str, str]:
    """The newest recording on disk, by file name."""
    for log in sorted(folder.glob("*.log"), reverse=True):
        document = log.with_suffix(".json")
        if session and not (document.exists() and session in document.read_text()):
            continue
        return {path.name: path.read_text() for path in (log, document) if path.exists()}
    return {}


def _now(session: str, remembered: Sequence[Recording]) -> dict[str, str]:
    """What has not been written down, by file name."""
    files: dict[str, str] = {}
    for recording in remembered:
        document = recording.document()
        if recording.frames and session in document:
            files |= {f"{recording.name}.log": recording.candump(), f"{recording.name}.json": document}
    return files


def chunks(upload: str, name: str, content: bytes) -> Iterator[FileChunk]:
    """`content` as records, in order."""
    digest = hashlib.sha256(content).hexdigest()
    parts = [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]
    for number, part in enumerate(parts):
        yield FileChunk(upload, name, number, len(parts), part, digest)
