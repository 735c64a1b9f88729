"""Files that only a key opens: compressed, encrypted in chunks, and useless when a byte is changed or missing.

The format: 8 bytes of name, 8 bytes that say which key, 16 bytes of salt; then chunks of a length (4 bytes, big endian)
and AES-256-GCM ciphertext. The nonce is the chunk's number, and the last chunk says that it is the last.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from powerctl.core.errors import ConfigError
from powerctl.runtime.pki import write_private

MAGIC: Final = b"PWRCBAK1"
CHUNK: Final = 1 << 20
_SALT: Final = 16
_ID: Final = 8
_MORE, _LAST = b"more", b"last"


def new_key(path: Path) -> None:
    """Write 32 random bytes to a new file that only its owner reads.

    Raises:
        OSError: It exists, or cannot be written.
    """
    if path.exists():
        raise FileExistsError(17, "exists already")
    write_private(path, secrets.token_bytes(32))


def read_key(path: Path) -> bytes:
    """The key in a file. Raises ConfigError: it cannot be read, or is too short to be one."""
    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}.", "Name the file with the key.") from error
    if len(key) < 32:
        raise ConfigError(str(path), "is too short for a key.", "Make one with `powerctl-cloud backup-key`.")
    return key


@contextmanager
def sealed(path: Path, key: bytes) -> Iterator[IO[bytes]]:
    """A file to write to. It appears under its name only when the block ends well."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    salt = secrets.token_bytes(_SALT)
    try:
        with unfinished.open("wb") as file:
            unfinished.chmod(0o600)
            file.write(MAGIC + _key_id(key) + salt)
            outer = _Sealer(file, _cipher(key, salt))
            with gzip.GzipFile(fileobj=outer, mode="wb", compresslevel=6, mtime=0) as inner:
                yield cast(IO[bytes], inner)
            outer.finish()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def unsealed(path: Path, keys: Sequence[bytes]) -> Iterator[IO[bytes]]:
    """A file to read from.

    Raises:
        ConfigError: It is no such file, none of the keys is its key, or it was changed or cut off.
    """
    with path.open("rb") as file:
        head = file.read(len(MAGIC) + _ID + _SALT)
        if len(head) < len(MAGIC) + _ID + _SALT or not head.startswith(MAGIC):
            raise ConfigError(str(path), "is no backup.", "Name a file that `powerctl-cloud backup` has written.")
        named, salt = head[len(MAGIC) : -_SALT], head[-_SALT:]
        key = next((key for key in keys if _key_id(key) == named), None)
        if key is None:
            raise ConfigError(str(path), "was made with another key.", "Add its key to cloud.backup.keys.")
        try:
            with gzip.GzipFile(fileobj=io.BufferedReader(_Opener(file, _cipher(key, salt))), mode="rb") as inner:
                yield cast(IO[bytes], inner)
        except (InvalidTag, EOFError, gzip.BadGzipFile) as error:
            raise ConfigError(str(path), "was changed or cut off.", "Take another copy of the backup.") from error


class _Sealer(io.RawIOBase):
    def __init__(self, file: IO[bytes], cipher: AESGCM) -> None:
        self._file, self._cipher = file, cipher
        self._waiting, self._number = bytearray(), 0

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: object) -> int:
        """Take `data`; whole chunks go to the file."""
        taken = bytes(data)  # type: ignore[call-overload]
        self._waiting += taken
        while len(self._waiting) > CHUNK:
            self._put(bytes(self._waiting[:CHUNK]), _MORE)
            del self._waiting[:CHUNK]
        return len(taken)

    def finish(self) -> None:
        """Write what is left, as the last chunk."""
        self._put(bytes(self._waiting), _LAST)

    def _put(self, plain: bytes, place: bytes) -> None:
        encrypted = self._cipher.encrypt(self._number.to_bytes(12, "big"), plain, place)
        self._file.write(len(encrypted).to_bytes(4, "big") + encrypted)
        self._number += 1


class _Opener(io.RawIOBase):
    def __init__(self, file: IO[bytes], cipher: AESGCM) -> None:
        self._file, self._cipher = file, cipher
        self._waiting, self._number, self._over = b"", 0, False

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill `buffer` as far as the present chunk goes."""
        while not self._waiting and not self._over:
            self._take()
        view = memoryview(buffer)  # type: ignore[arg-type]
        count = min(len(view), len(self._waiting))
        view[:count], self._waiting = self._waiting[:count], self._waiting[count:]
        return count

    def _take(self) -> None:
        length = self._file.read(4)
        encrypted = self._file.read(int.from_bytes(length, "big")) if len(length) == 4 else b""
        self._over = not self._file.peek(1)  # type: ignore[attr-defined]
        place = _LAST if self._over else _MORE
        self._waiting = self._cipher.decrypt(self._number.to_bytes(12, "big"), encrypted, place)
        self._number += 1


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"backup key" + key).digest()[:_ID]


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(hashes.SHA256(), 32, salt, b"backup").derive(key))
