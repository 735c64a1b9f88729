"""Make the map's coastline, `cloud/web/src/map/coast.ts`, from Natural Earth's land polygons.

Natural Earth (naturalearthdata.com) is in the public domain. Its 1:10,000,000 land comes as TopoJSON in the npm package
`world-atlas`: `npm pack world-atlas`, unpack, and give the path of `land-10m.json`.

    python tools/coastline.py package/land-10m.json
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

OUTPUT: Final = Path(__file__).resolve().parent.parent / "cloud/web/src/map/coast.ts"
WEST, SOUTH, EAST, NORTH = -11.0, 35.0, 32.0, 71.5
"""The part of the world that is kept: Europe."""
FINE: Final = (16.0, 57.5, 31.5, 66.2)
"""West, south, east, north of the Baltic coasts, which are kept in more detail."""
TOLERANCE, FINE_TOLERANCE = 0.05, 0.0035
"""How far a simplified coast may be from the given one, in degrees of latitude."""
SMALLEST, FINE_SMALLEST = 0.02, 0.0003
"""Islands with a smaller bounding box are left out, in square degrees."""
SCALE: Final = 1000
"""Points are kept in units of 1/1000 degree."""
HEAD: Final = """/**
 * Coasts of Europe, simplified from Natural Earth 1:10m land (public domain) by tools/coastline.py.
 * Rings are separated by semicolons; a ring is pairs of differences in base 36, longitude first, in 1/{scale} degree.
 */
"""

Point = tuple[float, float]
Ring = list[Point]


def rings(topology: Any) -> Iterator[Ring]:
    """Every ring of the land, as longitudes and latitudes."""
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [_decoded(arc, scale, shift) for arc in topology["arcs"]]
    for geometry in topology["objects"]["land"]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for polygon in polygons:
            for ring in polygon:
                yield _joined(arcs, ring)


def _decoded(arc: Sequence[Sequence[int]], scale: Sequence[float], shift: Sequence[float]) -> Ring:
    x = y = 0
    points: Ring = []
    for dx, dy in arc:
        x, y = x + dx, y + dy
        points.append((x * scale[0] + shift[0], y * scale[1] + shift[1]))
    return points


def _joined(arcs: Sequence[Ring], ring: Iterable[int]) -> Ring:
    points: Ring = []
    for index in ring:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points.extend(arc[1:] if points else arc)
    return points


def clipped(ring: Ring) -> Ring:
    """The part of a ring inside the kept part of the world (Sutherland-Hodgman, one edge after another)."""
    for axis, bound, sign in ((0, WEST, 1), (0, EAST, -1), (1, SOUTH, 1), (1, NORTH, -1)):
        ring = list(_clip_edge(ring, axis, bound, sign))
    return ring


def _clip_edge(ring: Ring, axis: int, bound: float, sign: int) -> Iterator[Point]:
    for before, point in zip([*ring[-1:], *ring[:-1]], ring, strict=True):
        was_in, is_in = sign * (before[axis] - bound) >= 0, sign * (point[axis] - bound) >= 0
        if was_in != is_in:
            part = (bound - before[axis]) / (point[axis] - before[axis])
            yield before[0] + part * (point[0] - before[0]), before[1] + part * (point[1] - before[1])
        if is_in:
            yield point


def is_fine(point: Point) -> bool:
    """True where the coast is kept in more detail."""
    return FINE[0] <= point[0] <= FINE[2] and FINE[1] <= point[1] <= FINE[3]


def simplified(ring: Ring) -> Ring:
    """Douglas-Peucker, with a tolerance that depends on where the point is."""
    keep = [False] * len(ring)
    keep[0] = keep[-1] = True
    spans = [(0, len(ring) - 1)]
    while spans:
        first, last = spans.pop()
        worst, at = 0.0, 0
        for index in range(first + 1, last):
            tolerance = FINE_TOLERANCE if is_fine(ring[index]) else TOLERANCE
            distance = _distance(ring[index], ring[first], ring[last]) / tolerance
            if distance > worst:
                worst, at = distance, index
        if worst > 1.0:
            keep[at] = True
            spans += [(first, at), (at, last)]
    return [point for point, kept in zip(ring, keep, strict=True) if kept]


def _distance(point: Point, a: Point, b: Point) -> float:
    """From `point` to the line between `a` and `b`, in degrees of latitude."""
    narrow = math.cos(math.radians(point[1]))
    px, py = (point[0] - a[0]) * narrow, point[1] - a[1]
    bx, by = (b[0] - a[0]) * narrow, b[1] - a[1]
    length = bx * bx + by * by
    part = max(0.0, min(1.0, (px * bx + py * by) / length)) if length else 0.0
    return math.hypot(px - part * bx, py - part * by)


def is_large(ring: Ring) -> bool:
    """True when an island is large enough to be drawn."""
    xs, ys = [point[0] for point in ring], [point[1] for point in ring]
    area = (max(xs) - min(xs)) * (max(ys) - min(ys))
    return area > (FINE_SMALLEST if is_fine(ring[0]) else SMALLEST)


def encoded(ring: Ring) -> str:
    """Differences in base 36."""
    x = y = 0
    words = []
    for longitude, latitude in ring:
        nx, ny = round(longitude * SCALE), round(latitude * SCALE)
        words += [_base36(nx - x), _base36(ny - y)]
        x, y = nx, ny
    return ",".join(words)


def _base36(number: int) -> str:
    digits, rest = "", abs(number)
    while rest:
        digits, rest = "0123456789abcdefghijklmnopqrstuvwxyz"[rest % 36] + digits, rest // 36
    return ("-" if number < 0 else "") + (digits or "0")


def main(source: Path) -> None:
    """Write the coast."""
    kept = [simplified(ring) for ring in map(clipped, rings(json.loads(source.read_text()))) if ring and is_large(ring)]
    text = ";".join(encoded(ring) for ring in sorted(kept, key=len, reverse=True) if len(ring) > 3)
    head = HEAD.replace("{scale}", str(SCALE))
    OUTPUT.write_text(f'{head}export const SCALE = {SCALE};\nexport const COAST =\n  "{text}";\n')


if __name__ == "__main__":
    main(Path(sys.argv[1]))
