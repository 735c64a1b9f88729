"""An energy register that survives the death of its process, as a real meter's does.

The file is mapped into memory: what is stored is in the kernel's hands at once, whatever ends the process. Two slots
are written in turn, each with a checksum, so that a torn write never loses the register.
"""

from __future__ import annotations

import mmap
import struct
import uuid
import zlib
from pathlib import Path
from typing import Final

MAGIC: Final = b"EREG1\0\0\0"
SERIAL_LENGTH: Final = 8
_SLOT: Final = struct.Struct("<QdI")
_CHECKED: Final = struct.Struct("<Qd")
_HEADER: Final = len(MAGIC) + SERIAL_LENGTH
_SIZE: Final = _HEADER + 2 * _SLOT.size


class RegisterFile:
    """A register in watt hours that only rises.

    A file that is missing, or that no slot can be read from, starts a new register at zero with a new serial.
    """

    def __init__(self, path: Path) -> None:
        if not _is_usable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(MAGIC + uuid.uuid4().hex[:SERIAL_LENGTH].encode() + bytes(2 * _SLOT.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self.serial = self._map[len(MAGIC) : _HEADER].decode("ascii")
        """Random; made with the file."""
        self._count, self._wh = max(_slots(bytes(self._map)), default=(0, 0.0))

    @property
    def wh(self) -> float:
        """Watt hours since the file was made."""
        return self._wh

    def add(self, wh: float) -> None:
        """Count `wh` on top; negative values are not counted."""
        if wh <= 0:
            return
        self._wh += wh
        self._count += 1
        checked = _CHECKED.pack(self._count, self._wh)
        offset = _HEADER + (self._count % 2) * _SLOT.size
        _SLOT.pack_into(self._map, offset, self._count, self._wh, zlib.crc32(checked))

    def close(self) -> None:
        """Give the file back."""
        self._map.close()


def _is_usable(path: Path) -> bool:
    if not path.is_file():
        return False
    content = path.read_bytes()
    is_whole = len(content) == _SIZE and content.startswith(MAGIC)
    return is_whole and (bool(_slots(content)) or not any(content[_HEADER:]))


def _slots(content: bytes) -> list[tuple[int, float]]:
    found = []
    for offset in (_HEADER, _HEADER + _SLOT.size):
        count, wh, checksum = _SLOT.unpack_from(content, offset)
        if count and checksum == zlib.crc32(_CHECKED.pack(count, wh)):
            found.append((count, wh))
    return found
