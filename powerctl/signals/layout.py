"""The register map: models back to back from one base address, and where every point lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from powerctl.signals.points import Point, PointType

BASE: Final = 40000
MARKER: Final = b"SunS"
END: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Group:
    """Points that belong together, once or repeated."""

    name: str
    points: tuple[Point, ...]
    count: int = 0
    """0: not repeated."""
    counted_by: str = ""
    """The model's point that holds `count`. Empty: fixed."""
    sync: bool = False
    """True: to be read and written as a whole."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the chain, without its two header registers."""

    id: int
    name: str
    label: str
    points: tuple[Point, ...]
    groups: tuple[Group, ...] = ()

    @property
    def length(self) -> int:
        """Registers after the header."""
        return _size(self.points) + sum(_size(group.points) * (group.count or 1) for group in self.groups)


def _size(points: tuple[Point, ...]) -> int:
    return sum(point.registers for point in points)


@dataclass(frozen=True, slots=True)
class Field:
    """A point at its address."""

    path: str
    """`701.W`, `704.PFWInj.PF`, or `64300.Src.0.LimW` in a repeated group."""
    point: Point
    address: int
    model: int
    group: str = ""
    index: int = 0
    """Within a repeated group."""

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.address + self.point.registers


HEADER: Final = (Point("ID", PointType.UINT16, meaning="Model id"), Point("L", PointType.UINT16, meaning="Length"))


class Layout:
    """Every field of a chain of models, by path and by first address."""

    def __init__(self, models: tuple[Model, ...]) -> None:
        self.models = models
        fields = tuple(_place(models))
        self.fields = fields
        self.by_path: Mapping[str, Field] = MappingProxyType({field.path: field for field in fields})
        self.by_address: Mapping[int, Field] = MappingProxyType({field.address: field for field in fields})
        self.end = BASE + 2 + sum(2 + model.length for model in models) + 2
        """The first address after the end model."""

    def address(self, model_id: int) -> int:
        """Where a model's header lies. Raises KeyError: it is not in the chain."""
        return self.by_path[f"{model_id}.ID"].address


def _place(models: tuple[Model, ...]) -> Iterator[Field]:
    address = BASE + 2
    for model in models:
        yield from _place_model(model, address)
        address += 2 + model.length


def _place_model(model: Model, address: int) -> Iterator[Field]:
    for point in (*HEADER, *model.points):
        yield Field(f"{model.id}.{point.name}", point, address, model.id)
        address += point.registers
    for group in model.groups:
        for index in range(group.count or 1):
            prefix = f"{model.id}.{group.name}.{index}" if group.count else f"{model.id}.{group.name}"
            for point in group.points:
                yield Field(f"{prefix}.{point.name}", point, address, model.id, group.name, index)
                address += point.registers
