"""A chain of entries in which each names the digest of the one before: what was written cannot be changed unnoticed.

One entry is one line: the SHA-256 of the document in hexadecimal, a space, and the document as JSON. The document
begins with its number `n`, from 1, and `prev`, the digest of the entry before: anyone can check a line with sha256sum.
Pure; the files are `powerctl.runtime.chain_store`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from powerctl.core.errors import RemoteError

GENESIS: Final = "0" * 64
"""What the very first entry names as the digest before it."""
_DIGEST_LENGTH: Final = 64


class Unreadable(RemoteError):
    """A line that is no entry, whatever its digest."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: everything up to it follows from these two values."""

    number: int = 0
    digest: str = GENESIS

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One link, as read."""

    number: int
    previous: str
    digest: str
    """As stated on the line."""
    body: Mapping[str, Any]
    """The document without `n` and `prev`."""
    computed: str
    """What the digest should be."""

    @property
    def head(self) -> Head:
        """The chain's end if this is its last entry."""
        return Head(self.number, self.digest)


@dataclass(frozen=True, slots=True)
class Broken:
    """A link that does not hold."""

    number: int
    """Of the entry at which it shows; where the line cannot be read the expected number, 0 at the very beginning."""
    why: str


def sealed(head: Head, body: Mapping[str, Any]) -> tuple[Head, bytes]:
    """The chain's new end, and the line that leads to it.

    Args:
        head: The present end.
        body: JSON values; not `n` nor `prev`.
    """
    document = json.dumps(
        {"n": head.number + 1, "prev": head.digest, **body}, ensure_ascii=False, separators=(",", ":")
    )
    encoded = document.encode()
    digest = hashlib.sha256(encoded).hexdigest()
    return Head(head.number + 1, digest), digest.encode() + b" " + encoded + b"\n"


def parse(line: bytes) -> Entry:
    """The entry on a line; its digest may still be wrong. Raises Unreadable: it is none."""
    digest, _, document = line.rstrip(b"\n").partition(b" ")
    if len(digest) != _DIGEST_LENGTH or not digest.isalnum() or not digest.isascii():
        raise Unreadable("the line does not begin with a digest")
    try:
        fields = json.loads(document)
        number, previous = fields.pop("n"), fields.pop("prev")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Unreadable("the line holds no numbered document") from error
    if type(number) is not int or not isinstance(previous, str):
        raise Unreadable("the line holds no numbered document")
    return Entry(number, previous, digest.decode("ascii"), fields, hashlib.sha256(document).hexdigest())


def fault(head: Head | None, entry: Entry) -> str | None:
    """Why `entry` does not follow `head`. None: it does.

    Args:
        head: The end before it. None: the chain's beginning was given up, so any number may come first.
        entry: As read.
    """
    if entry.digest != entry.computed:
        return "its content does not match its digest: it was changed after it was written"
    if head is None:
        return None if entry.number > 1 or entry.previous == GENESIS else "the first entry names one before it"
    if entry.number != head.number + 1:
        return f"it follows entry {head.number}: entries are missing or out of order"
    if entry.previous != head.digest:
        return f"it does not name the digest of entry {head.number}: one of the two was replaced"
    return None


def follow(lines: Iterable[bytes]) -> Iterator[Entry | Broken]:
    """Every entry in order, each break before the entry at which it shows. Goes on after a break."""
    head: Head | None = None
    for line in lines:
        try:
            entry = parse(line)
        except Unreadable as error:
            head = Head(0 if head is None else head.number + 1, "")
            yield Broken(head.number, str(error))
            continue
        # A changed line cannot be believed about its own number either.
        believed = entry.digest == entry.computed or head is None
        number = entry.number if believed or head is None else head.number + 1
        if (why := fault(head, entry)) is not None:
            yield Broken(number, why)
        yield entry
        head = Head(number, entry.head.digest)
