"""Write the register map's page and the model files from the table; with `--check`, fail when they differ."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from powerctl.signals.layout import BASE, Field, Model
from powerctl.signals.model_files import definition
from powerctl.signals.points import Point, PointType
from powerctl.signals.register_map import MODELS, OWN_MODELS, REGISTER_MAP
from powerctl.signals.rights import TABLE, Area, Role
from tools.generated import ROOT, write_or_compare

PAGE = ROOT / "docs" / "reference" / "register-map.md"
FOLDER = ROOT / "powerctl" / "signals" / "models"
SIZE = REGISTER_MAP.end - BASE
RIGHTS = "(rights)"
HEAD = f"""\
# Register map

Generated from `powerctl/signals/sunspec.py` and `powerctl/signals/vendor.py` by `make docs`; never edited.

{SIZE} holding registers from {BASE} (0-based), the same by functions 3 and 4 and under unit ids 0, 1 and 255.
Big-endian, high word first. A value is *raw · 10^scale factor*. Writes by functions 6, 16 and 23: a request is
validated as a whole, then applied as a whole, and reads back at once. A write that covers half of a longer point is
refused.

Positive power flows from the grid into the vehicle; model 701 keeps SunSpec's sign, negative while charging. Power of
the station is AC at the grid connection; power of a connector is DC.

| Exception | Meaning here |
|---|---|
| 1 | Function not served, or the peer has no right to do this |
| 2 | Not there, read only, not served, slot not commissioned, or a point cut in half |
| 3 | Wrong count or length, or a value that the point does not take |
| 4 | What must survive a restart cannot be stored |
| 6 | The peer writes too often |
| 11 | Not this unit |

A cap takes two writes: `LimW` (40448) in watts, then `Ena` (40469) = 1; or one write of all 24 registers of slot 0;
in the other slots `FsW` to `FsTms` are not their source's to write.
Every accepted write to a slot is a heartbeat unless it carries `Hb` or `Seq` and moves neither; so is a change of
715 `ControllerHb`, for every slot that its writer speaks for. Reads never count. With `CmtMod` = 1 a command takes
effect, with everything written until then, when `Seq` gets another value.

A schedule goes into 64303 point by point: `SchSrc` to `ActPt` in one write, the 96 points in two. `AdptReq` = 1 puts it
into force as a whole and keeps it across a restart; what cannot be adopted leaves the one in force.

SunSpec's own set-point, 704 `WSet`, counts as a word of the controlling slot's source: it ends that slot's failsafe
unless the slot itself has a limit. A write to any of its points re-arms its reversion; `WSetRvrtTms` = 0 cancels it.

`WMaxLimPct` of model 704 limits *generation*, and is not implemented: a station that took it as a cap on its
consumption would stop charging when energy is cheapest.

## Front ends

The same registers are served over plain Modbus/TCP, over Modbus/TCP Security and on serial lines (Modbus RTU, unit id
1.`DA`; unit 0 is a broadcast, applied and not answered), all at the same time. Over plain Modbus/TCP everyone reads,
and commissioned addresses write: a slot's `writers` as a grid service that is bound to it, `installers` as both
administrators. A serial line counts as what it was commissioned for. Over TLS the role comes from the certificate
(object identifier 1.3.6.1.4.1.50316.802.1), and the slots from its fingerprint in the station file; without one of
these roles every request, reads included, is answered with exception 1.

{RIGHTS}

## The chain

| Address | Model | Registers | Contents |
|---|---|---|---|
"""


def offset(field: Field, model: Model) -> int:
    """Registers from the model's ID."""
    return field.address - REGISTER_MAP.address(model.id)


def kind(point: Point) -> str:
    """Type and unit."""
    name = f"{point.type.value}[{point.size}]" if point.size else point.type.value
    return f"{name}, {point.units}" if point.units else name


def meaning(point: Point) -> str:
    """What it is, its symbols and its bounds."""
    text = point.meaning
    if point.symbols:
        text += ": " + ", ".join(f"{value} {name}" for name, value in point.symbols)
    if point.allowed:
        bounds = (f"{r.start}" if len(r) == 1 else f"{r.start} to {r.stop - 1}" for r in point.allowed)
        text += f" ({' or '.join(bounds)})"
    return text


def row(field: Field, model: Model) -> str:
    """One line of a model's table."""
    access = "RW" if field.point.writable else "R"
    scale = f"`{field.point.sf}`" if field.point.sf else ""
    place = f"| {field.address} | +{offset(field, model)} | `{field.point.name}` "
    return place + f"| {kind(field.point)} | {scale} | {access} | {meaning(field.point)} |"


def section(model: Model) -> Iterator[str]:
    """The lines of one model; of a repeated group only the first."""
    fields = [f for f in REGISTER_MAP.fields if f.model == model.id and f.index == 0 and f.point.meaning]
    own = [f for f in fields if f.point.name not in {"ID", "L"}]
    yield f"## {model.id}: {model.label}\n"
    if not own:
        yield "Present, and not served yet: reads as *not implemented*, refuses writes.\n"
        return
    for group in model.groups:
        if group.count:
            size = sum(point.registers for point in group.points)
            yield f"`{group.name}` repeats {group.count} times, {size} registers each; the first one is shown.\n"
    yield "| Address | Offset | Point | Type | Scale | Access | Meaning |\n|---|---|---|---|---|---|---|"
    yield from (row(field, model) for field in own)
    if any(not p.meaning and p.type is not PointType.PAD for p in model.points):
        yield "\nThe other points of the model are not implemented."
    yield ""


def rights() -> Iterator[str]:
    """The table of roles."""
    yield "| May write | " + " | ".join(f"`{role.value}`" for role in Role) + " |"
    yield "|---|" + "---|" * len(Role)
    for area in Area:
        bounds = (TABLE[role].get(area) for role in Role)
        yield f"| {area.value} | " + " | ".join("no" if bound is None else bound.value for bound in bounds) + " |"


def page() -> str:
    """The whole page."""
    chain = [f"| {REGISTER_MAP.address(m.id)} | {m.id} `{m.name}` | {m.length + 2} | {m.label} |" for m in MODELS]
    end = f"| {REGISTER_MAP.end - 2} | 65535 | 2 | End |\n"
    head = HEAD.replace(RIGHTS, "\n".join(rights()))
    return head + "\n".join([*chain, end, *(line for model in MODELS for line in section(model))])


def files() -> dict[Path, str]:
    """Everything that is generated, by place."""
    models = {FOLDER / f"model_{model.id}.json": json.dumps(definition(model), indent=1) + "\n" for model in OWN_MODELS}
    return {PAGE: page(), **models}


def main(arguments: list[str]) -> int:
    """Write, or compare. Exit status 1: a file is not what the table says."""
    return write_or_compare(arguments, files(), "the table of registers")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
