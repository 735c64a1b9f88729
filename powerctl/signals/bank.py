"""Requests against the image: validated as a whole, then carried out as a whole.

The order of refusals: form (1, 3), no role (1), busy (6), address (2), right (1), value (3), storage (4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic
from powerctl.signals.grid_signal import Authority
from powerctl.signals.image import Image
from powerctl.signals.layout import Field
from powerctl.signals.pdu import Code, Refused, Request, Span, answer, parse
from powerctl.signals.points import Raw, acceptable, decode
from powerctl.signals.rights import Rights

BURST: Final = 2.0
"""Seconds' worth of writes that a peer may send at once."""
MAX_PEERS: Final = 1024
"""Peers whose rate is remembered; the one that wrote longest ago is forgotten first."""


@dataclass(frozen=True, slots=True)
class Change:
    """One point's new raw value, validated."""

    field: Field
    value: int | None
    """None: *not implemented*, at a point that may be without a value."""


Take = Callable[[Sequence[Change], Authority], None]
"""Carries out a validated write and updates the image before it returns. Raises Refused: nothing was changed."""


class WriteRate:
    """How often each peer may write: a token bucket per peer."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._buckets: dict[str, tuple[float, Monotonic]] = {}

    def admit(self, peer: str, now: Monotonic) -> bool:
        """True if `peer` may write now; counts the write."""
        most = self._per_s * BURST
        tokens, at = self._buckets.pop(peer, (most, now))
        tokens = min(most, tokens + (now - at) * self._per_s)
        admitted = tokens >= 1.0
        self._buckets[peer] = (tokens - 1.0 if admitted else tokens, now)
        if len(self._buckets) > MAX_PEERS:
            del self._buckets[next(iter(self._buckets))]
        return admitted


class Bank:
    """Executes requests one at a time, whichever front end they came through."""

    def __init__(self, image: Image, rights: Rights, rate: WriteRate, take: Take) -> None:
        self._image = image
        self._rights = rights
        self._rate = rate
        self._take = take

    def execute(self, pdu: bytes, authority: Authority, now: Monotonic) -> bytes:
        """The answer to `pdu`.

        Raises:
            Refused: To be answered with an exception. Nothing was changed.
        """
        request = parse(pdu)
        if not self._rights.may_read(authority):
            raise Refused(Code.ILLEGAL_FUNCTION)
        if request.write is None:
            return answer(request, self._read(request))
        if not self._rate.admit(authority.fingerprint or authority.peer, now):
            raise Refused(Code.BUSY)
        wanted = self._wanted(request.write, request.data)
        self._read(request)
        if not all(self._rights.permits(authority, field) for field, _ in wanted):
            raise Refused(Code.ILLEGAL_FUNCTION)
        if not all(acceptable(field.point, value) for field, value in wanted):
            raise Refused(Code.ILLEGAL_VALUE)
        self._take([Change(field, value) for field, value in wanted if not isinstance(value, str)], authority)
        return answer(request, self._read(request))

    def _read(self, request: Request) -> bytes:
        return b"" if request.read is None else self._image.read(request.read)

    def _wanted(self, span: Span, data: bytes) -> list[tuple[Field, Raw | None]]:
        """Every point that `span` covers. Raises Refused: one is cut, closed, or not there."""
        wanted: list[tuple[Field, Raw | None]] = []
        address, end = span.address, span.address + span.count
        while address < end:
            field = self._image.layout.by_address.get(address)
            if field is None or field.end > end or not self._rights.is_open(field):
                raise Refused(Code.ILLEGAL_ADDRESS)
            start = 2 * (address - span.address)
            wanted.append((field, decode(field.point, data[start : start + 2 * field.point.registers])))
            address = field.end
        return wanted
