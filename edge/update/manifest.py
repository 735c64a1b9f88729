"""What a bundle says about itself, and whether it may replace what runs. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from powerctl.core.errors import RemoteError

PRODUCT: Final = "powerctl-station"
MAX_FILES: Final = 50_000
MAX_BYTES: Final = 4 * 1024**3
_MODES: Final = (0o644, 0o755)


class Refused(RemoteError):
    """A bundle that must not be installed."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a bundle."""

    path: str
    """Relative, with slashes."""
    size: int
    sha256: str
    mode: int
    """0o644, or 0o755 for what can be executed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The signed part: through the digests of the files it stands for all of them."""

    version: str
    """For people."""
    number: int
    """Rises with every release; what is newer is decided by it alone."""
    may_replace: int
    """The highest number that this bundle may replace. Above `number` it is an authorised downgrade."""
    files: tuple[File, ...]

    def encode(self) -> bytes:
        """The bytes that are signed."""
        return json.dumps({"product": PRODUCT, **asdict(self)}, sort_keys=True, indent=1).encode()

    def require_replaces(self, present: int) -> None:
        """Raises Refused: it is not newer than `present`, and its signer has not authorised the step back."""
        if self.number <= present and present > self.may_replace:
            raise Refused(f"release {self.number} is not newer than {present}, and the signer authorised no downgrade")


def decode(content: bytes) -> Manifest:
    """The manifest in `content`, whose signature is good.

    Raises:
        Refused: It is not a manifest of this product, or names a file that must not be written.
    """
    try:
        fields = json.loads(content)
        if fields.pop("product") != PRODUCT:
            raise Refused("the bundle is for another product")
        files = tuple(_file(entry) for entry in fields.pop("files"))
        manifest = Manifest(files=files, **fields)
        numbers_fit = 0 < manifest.number <= 10**9 and 0 <= manifest.may_replace <= 10**9
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused("the manifest cannot be read") from error
    if not numbers_fit or not 0 < len(files) <= MAX_FILES or sum(file.size for file in files) > MAX_BYTES:
        raise Refused("the manifest is out of bounds")
    if len({file.path for file in files}) != len(files):
        raise Refused("two files have the same path")
    return manifest


def _file(entry: dict[str, Any]) -> File:
    file = File(**entry)
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or str(path) != file.path or file.path in {"", "."}:
        raise Refused(f"{file.path[:100]!r} is no path inside a slot")
    if file.mode not in _MODES or file.size < 0 or len(bytes.fromhex(file.sha256)) != 32:
        raise Refused(f"{file.path[:100]!r} has a mode, size or digest that is out of bounds")
    return file
