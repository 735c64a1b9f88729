"""The registers themselves: one image behind every front end."""

from __future__ import annotations

from collections.abc import Mapping

from powerctl.signals.layout import BASE, END, MARKER, Field, Layout
from powerctl.signals.pdu import Code, Refused, Span
from powerctl.signals.points import SHAPES, Point, PointType, Raw, decode, encode


class Image:
    """The value of every register. Starts as *not implemented*, with the headers and counts of the models."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._data = bytearray(2 * (layout.end - BASE))
        self._data[: len(MARKER)] = MARKER
        self._data[-4:] = END.to_bytes(2, "big") + b"\0\0"
        for field in layout.fields:
            self._store(field, None)
        for model in layout.models:
            self.put_all({f"{model.id}.ID": model.id, f"{model.id}.L": model.length})
            self.put_all({f"{model.id}.{group.counted_by}": group.count for group in model.groups if group.counted_by})

    def read(self, span: Span) -> bytes:
        """The registers of `span`. Raises Refused: some lie outside the map."""
        start = 2 * (span.address - BASE)
        end = start + 2 * span.count
        if start < 0 or end > len(self._data):
            raise Refused(Code.ILLEGAL_ADDRESS)
        return bytes(self._data[start:end])

    def get(self, path: str) -> Raw | None:
        """A point's raw value. None: not implemented."""
        field = self.layout.by_path[path]
        start = 2 * (field.address - BASE)
        return decode(field.point, bytes(self._data[start : start + 2 * field.point.registers]))

    def put(self, path: str, value: Raw | None) -> None:
        """Set a point's raw value. Raises ValueError: it does not fit. KeyError: there is no such point."""
        self._store(self.layout.by_path[path], value)

    def put_all(self, values: Mapping[str, Raw | None]) -> None:
        """Set raw values by path."""
        for path, value in values.items():
            self.put(path, value)

    def put_scaled(self, path: str, value: float | None) -> None:
        """Set a point to a quantity in its unit, at the nearest value that the point can hold."""
        field = self.layout.by_path[path]
        if value is None:
            self._store(field, None)
            return
        scale = self.get(f"{field.model}.{field.point.sf}") if field.point.sf else 0
        self._store(field, _fit(field.point, value / 10.0 ** int(scale or 0)))

    def _store(self, field: Field, value: Raw | None) -> None:
        start = 2 * (field.address - BASE)
        self._data[start : start + 2 * field.point.registers] = encode(field.point, value)


_SIGNED = frozenset({PointType.INT16, PointType.INT32})


def _fit(point: Point, value: float) -> int:
    bits = 16 * point.registers
    low, high = (
        (-(1 << (bits - 1)) + 1, (1 << (bits - 1)) - 1) if point.type in _SIGNED else (0, SHAPES[point.type].absent - 1)
    )
    return round(min(max(value, low), high))
