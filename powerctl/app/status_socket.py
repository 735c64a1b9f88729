"""Where a running energy manager shows its state: a Unix socket that says one JSON document and hangs up.

Nothing is read from whoever connects, so there is nothing to abuse; who may connect is what the file's owner and group
say. One connection is served at a time, in a thread of its own.
"""

from __future__ import annotations

import os
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.runtime import log

TIMEOUT_S: Final = 2.0
"""How long a reader may take, and how long it waits."""
MOST_BYTES: Final = 4 << 20
"""Longest document that is taken."""
_WAITING: Final = 8
_MODE: Final = 0o660
_SERVICE_FOLDER: Final = Path("/run/powerctl")
_READ: Final = 1 << 16

_log = log.get(__name__)


class StatusSocket:
    """Serves one document.

    Args:
        folder: Where. None: the first of `folders`.
        station: Its id, the beginning of the file's name.
        text: The document; called in the socket's thread, so it only reads values that are replaced whole.
    """

    def __init__(self, folder: Path | None, station: str, text: Callable[[], bytes]) -> None:
        self._folder = folder
        self._station = station
        self._text = text
        self._socket: socket.socket | None = None
        self.path: Path | None = None
        """The file while it is open."""

    def open(self) -> None:
        """Listen until `close`. A station without a place for it works all the same; the log says so."""
        folder = self._folder or next(folders())
        path = folder / f"{self._station}-{os.getpid()}.sock"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            refuse_foreign(folder)
            _sweep(folder, self._station)
            self._socket = _listening(path)
        except OSError as error:
            _log.warning("status_not_shown", file=str(path), reason=error.strerror or str(error))
            return
        self.path = path
        threading.Thread(target=self._serve, args=(self._socket,), name="status", daemon=True).start()

    def close(self) -> None:
        """Stop listening. Does nothing when it is not open."""
        listener, self._socket = self._socket, None
        path, self.path = self.path, None
        if listener is not None:
            listener.close()
        if path is not None:
            path.unlink(missing_ok=True)

    def _serve(self, listener: socket.socket) -> None:
        while self._socket is listener:
            try:
                peer, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with peer, suppress(OSError):
                peer.settimeout(TIMEOUT_S)
                peer.sendall(self._text())


def _sweep(folder: Path, station: str) -> None:
    """Remove what stations of this name left that were ended without warning."""
    for path in folder.glob(f"{station}-*.sock"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(TIMEOUT_S)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
            except OSError:
                continue


def _listening(path: Path) -> socket.socket:
    """A socket at `path` that owner and group may use; nobody may before it is set so."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        path.chmod(_MODE)
        listener.listen(_WAITING)
        listener.settimeout(TIMEOUT_S)
    except OSError:
        listener.close()
        raise
    return listener


def folders() -> Iterator[Path]:
    """Where sockets of running stations may lie, the first one being where a new one goes."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if given:
        yield Path(given)
    user = os.environ.get("XDG_RUNTIME_DIR")
    if user:
        yield Path(user) / "powerctl"
    yield Path(tempfile.gettempdir()) / f"powerctl-{os.getuid()}"
    yield _SERVICE_FOLDER


def refuse_foreign(folder: Path) -> None:
    """Make sure that nobody else can put a socket there.

    Raises:
        PermissionError: The folder is another user's, or others may write to it.
    """
    status = folder.stat()
    service = folder == _SERVICE_FOLDER
    if status.st_mode & stat.S_IWOTH or (status.st_uid not in (os.getuid(), 0) and not service):
        raise PermissionError(f"{folder} is open to others")


def sockets(folder: Path | None = None) -> list[Path]:
    """Every socket of a station, by name; those that answer and those that do not.

    Args:
        folder: Only there. None: in all `folders` that belong to us or to the service.
    """
    found: list[Path] = []
    for place in dict.fromkeys([folder] if folder is not None else folders()):
        with suppress(OSError):
            if folder is None:
                refuse_foreign(place)
            found += sorted(place.glob("*.sock"))
    return found


def read(path: Path) -> bytes:
    """The document that `path` says.

    Raises:
        RemoteError: Nobody answers, not in time, or without end.
    """
    data = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as reader:
            reader.settimeout(TIMEOUT_S)
            reader.connect(str(path))
            while part := reader.recv(_READ):
                data += part
                if len(data) > MOST_BYTES:
                    raise RemoteError(f"{path}: the answer has no end")
    except OSError as error:
        raise RemoteError(f"{path}: {error.strerror or error}") from error
    return bytes(data)
