"""Our own models as SunSpec model files, for clients that discover the station with one."""

from __future__ import annotations

from typing import Any

from powerctl.signals.layout import Group, Model
from powerctl.signals.points import Point, PointType


def definition(model: Model) -> dict[str, Any]:
    """The model in the JSON schema of SunSpec model definitions."""
    header = [
        {"name": "ID", "type": "uint16", "size": 1, "value": model.id, "static": "S", "mandatory": "M", "label": "ID"},
        {"name": "L", "type": "uint16", "size": 1, "static": "S", "mandatory": "M", "label": "Length"},
    ]
    return {
        "id": model.id,
        "group": {
            "name": model.name,
            "type": "group",
            "label": model.label,
            "points": [*header, *(_point(point) for point in model.points)],
            "groups": [_group(group) for group in model.groups],
        },
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "type": "sync" if group.sync else "group",
        "count": group.counted_by or group.count or 1,
        "points": [_point(point) for point in group.points],
    }


def _point(point: Point) -> dict[str, Any]:
    row: dict[str, Any] = {"name": point.name, "type": point.type.value, "size": point.registers}
    if point.sf:
        row["sf"] = point.sf
    if point.units:
        row["units"] = point.units
    if point.writable:
        row["access"] = "RW"
    if point.type is PointType.SUNSSF:
        row["static"] = "S"
    if point.meaning:
        row["label"] = point.meaning
    if point.symbols:
        row["symbols"] = [{"name": name, "value": value} for name, value in point.symbols]
    return row
