"""The register map: addresses for ever, and SunSpec's own definition of its models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sunspec2

from powerctl.signals.layout import BASE, Group, Model
from powerctl.signals.points import Point
from powerctl.signals.register_map import MODELS, REGISTER_MAP
from powerctl.signals.sunspec import SUNSPEC_MODELS
from powerctl.signals.telemetry import SOURCE_NUMBERS
from powerctl.signals.vendor import SOURCES
from powerctl.v1 import common_pb2

ADDRESSES = {
    1: (40002, 66),
    701: (40070, 153),
    702: (40225, 50),
    703: (40277, 17),
    704: (40296, 65),
    714: (40363, 68),
    715: (40433, 7),
    64300: (40442, 132),
    64301: (40576, 46),
    64302: (40624, 42),
    64303: (40668, 204),
}

OFFSETS_64301 = {
    "StaSt": 2,
    "EffW": 3,
    "EffSrc": 4,
    "NxtTms": 6,
    "TgtW": 8,
    "W": 9,
    "MinW": 15,
    "WhAbs": 20,
    "CurtWh": 28,
    "Hz": 34,
    "UtcQ": 39,
    "DevHb": 40,
    "PrcCur": 43,
    "Prc_SF": 47,
}

OFFSETS_SLOT = {
    "LimW": 0,
    "StrTms": 6,
    "RvrtW": 10,
    "FsW": 14,
    "HbTms": 15,
    "FsTms": 16,
    "EvtId": 18,
    "Mode": 20,
    "Ena": 21,
    "Seq": 22,
    "Hb": 23,
    "AckSeq": 24,
    "AckTms": 26,
    "RvrtRem": 28,
    "St": 30,
    "EffW": 31,
}


@pytest.mark.parametrize(("model", "place"), ADDRESSES.items())
def test_a_model_stays_where_clients_expect_it(model: int, place: tuple[int, int]) -> None:
    address = REGISTER_MAP.address(model)
    length = next(m.length for m in MODELS if m.id == model)
    assert (address, length) == place


def test_the_chain_has_909_registers() -> None:
    assert REGISTER_MAP.end - BASE == 909


@pytest.mark.parametrize(("point", "offset"), OFFSETS_64301.items())
def test_status_points_stay_where_they_are(point: str, offset: int) -> None:
    assert REGISTER_MAP.by_path[f"64301.{point}"].address == 40576 + offset


@pytest.mark.parametrize(("point", "offset"), OFFSETS_SLOT.items())
@pytest.mark.parametrize("slot", range(4))
def test_slot_points_stay_where_they_are(slot: int, point: str, offset: int) -> None:
    assert REGISTER_MAP.by_path[f"64300.Src.{slot}.{point}"].address == 40448 + 32 * slot + offset


def test_fields_lie_back_to_back() -> None:
    ends = [field.end for field in REGISTER_MAP.fields]
    starts = [field.address for field in REGISTER_MAP.fields]
    assert starts[1:] == ends[:-1]
    assert len(REGISTER_MAP.by_path) == len(REGISTER_MAP.fields)


def test_every_scale_factor_is_a_point_of_its_model() -> None:
    for field in REGISTER_MAP.fields:
        if field.point.sf:
            assert f"{field.model}.{field.point.sf}" in REGISTER_MAP.by_path


def test_an_implemented_scaled_point_has_an_implemented_scale_factor() -> None:
    for field in REGISTER_MAP.fields:
        if field.point.sf and field.point.implemented:
            assert REGISTER_MAP.by_path[f"{field.model}.{field.point.sf}"].point.implemented, field.path


def test_source_numbers_are_those_of_the_wire() -> None:
    wire = {name.removeprefix("LIMIT_SOURCE_"): number for name, number in common_pb2.LimitSource.items()}
    assert dict(SOURCES) == {name: number for name, number in wire.items() if number}
    assert {source.name: number for source, number in SOURCE_NUMBERS.items()} == dict(SOURCES)


def _published(model: int) -> dict[str, Any]:
    folder = Path(sunspec2.__file__).parent / "models" / "json"
    group: dict[str, Any] = json.loads((folder / f"model_{model}.json").read_text())["group"]
    return group


def _as_row(point: Point) -> tuple[str, str, int, str, bool]:
    return point.name, point.type.value, point.registers, point.sf, point.writable


def _as_published_row(point: dict[str, Any]) -> tuple[str, str, int, str, bool]:
    sf = point.get("sf", "")
    return point["name"], point["type"], point["size"], sf, point.get("access") == "RW"


@pytest.mark.parametrize("model", SUNSPEC_MODELS, ids=lambda model: model.id)
def test_a_sunspec_model_is_the_published_one(model: Model) -> None:
    group = _published(model.id)
    assert [_as_row(p) for p in model.points] == [_as_published_row(p) for p in group["points"][2:]]
    ours = {g.name: g.points for g in model.groups}
    theirs = {g["name"]: g["points"] for g in group.get("groups", [])}
    assert list(ours) == list(theirs)
    for name, points in ours.items():
        assert [_as_row(p) for p in points] == [_as_published_row(p) for p in theirs[name]]


def _groups(model: Model) -> list[tuple[str, tuple[Point, ...]]]:
    return [("", model.points), *((group.name, group.points) for group in model.groups)]


@pytest.mark.parametrize("model", SUNSPEC_MODELS, ids=lambda model: model.id)
def test_symbols_are_the_published_ones(model: Model) -> None:
    group = _published(model.id)
    published = {("", p["name"]): p for p in group["points"]}
    published |= {(g["name"], p["name"]): p for g in group.get("groups", []) for p in g["points"]}
    for name, points in _groups(model):
        for point in points:
            if point.symbols:
                symbols = [(s["name"], s["value"]) for s in published[name, point.name]["symbols"]]
                assert list(point.symbols) == symbols


def test_a_commit_point_stands_after_the_values_it_acts_on() -> None:
    slot: Group = next(m for m in MODELS if m.id == 64300).groups[0]
    names = [point.name for point in slot.points]
    writable = [point.name for point in slot.points if point.writable]
    assert writable[-3:] == ["Ena", "Seq", "Hb"]
    assert names.index("Mode") < names.index("Ena")
