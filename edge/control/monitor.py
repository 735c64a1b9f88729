"""`powerctl-edge monitor`: a live view of the running controller in a terminal."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from edge.chademo.codec import decode_vehicle
from edge.control.settings import load_settings
from edge.control.window import window_path
from powerctl.core.errors import ConfigError, RemoteError

CLEAR: Final = "\x1b[H\x1b[J"
MOST_LINE: Final = 1 << 20
STATION: Final[Mapping[int, Callable[[bytes], str]]] = {
    0x108: lambda d: f"available {d[1] | d[2] << 8} V {d[3]} A, threshold {d[4] | d[5] << 8} V",
    0x109: lambda d: f"protocol {d[0]}, present {d[1] | d[2] << 8} V {d[3]} A, status {d[5]:08b}, {d[7]} min",
}


def page(view: Mapping[str, Any]) -> str:
    """The view as lines of text (pure)."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: Mapping[str, Any]) -> Iterator[str]:
    manager = "connected" if view["manager"] else "silent"
    yield f"{view['station']}   energy manager {manager}   {view['time']}"
    for connector in view["connectors"]:
        yield ""
        yield from _connector(connector)
    if view["modules"]:
        yield ""
        yield from (_module(module) for module in view["modules"])


def _connector(c: Mapping[str, Any]) -> Iterator[str]:
    soc = "" if c["soc_percent"] is None else f"   battery {c['soc_percent']:.0f} %"
    yield f"Connector {c['connector']}   {c['state']} ({c['phase']}){soc}   {c['detail']}".rstrip()
    yield (
        f"  {c['voltage_v']} V   {c['current_a']} A   asks {c['requested_a']} A   108.3 {c['available_a']} A"
        f"   modules told {c['commanded_a']} A"
    )
    yield f"  limit {c['limit_w']} W   {c['command']}   lease {c['lease_s']} s   frames refused {c['rejected_frames']}"
    yield f"  vehicle {_vehicle(c['vehicle'])}"
    yield "  lines " + "  ".join(f"{name} {'on' if on else 'off'}" for name, on in c["lines"].items())
    for source, watts, detail in c["reasons"][:4]:
        yield f"    {watts:>7} W  {source:<14} {detail}"
    for code, detail, latched in c["faults"]:
        yield f"  FAULT {code}{' (latched)' if latched else ''}: {detail}"
    for identity, data in sorted(c["frames"].items()):
        yield f"    {identity}  {data}  {decoded(int(identity, 16), bytes.fromhex(data))}"


def _vehicle(v: Mapping[str, Any]) -> str:
    obeys = {True: "follows 108.3", False: "does not follow 108.3", None: "not seen to follow yet"}[v["obeys"]]
    reaction = "" if v["reaction_s"] is None else f" after {v['reaction_s']:.1f} s"
    pause = f"stays {v['pause_s']} s without current" if v["pause_s"] else "a pause ends its session"
    rule = f"   rule {v['rule']}" if v["rule"] else ""
    return f"{v['flexibility']}   {obeys}{reaction}   {v['slope_a_s']} A/s   at least {v['min_a']} A   {pause}{rule}"


def _module(m: Mapping[str, Any]) -> str:
    state = "missing" if m["missing"] else "works" if m["usable"] else "not used"
    warm = "" if m["temperature_c"] is None else f"{m['temperature_c']:.0f} °C"
    what = ", ".join(m["troubles"])
    return f"  module {m['address']:>2}  {state:<8} {m['voltage_v']} V  {m['current_a']} A  {warm}  {what}".rstrip()


def decoded(identity: int, data: bytes) -> str:
    """What a frame says; empty where nobody knows."""
    if identity in STATION and len(data) == 8:
        return STATION[identity](data)
    try:
        frame = decode_vehicle(identity, data)
    except RemoteError as error:
        return f"refused: {error}"
    return "" if frame is None else str(frame)


async def watch(config: Path) -> None:
    """Show the controller until it ends or the viewer leaves.

    Raises:
        ConfigError: No controller runs here.
    """
    station, _ = load_settings(config)
    path = window_path(station.state_dir)
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=MOST_LINE)
    except OSError as error:
        raise ConfigError(
            str(path), "no controller answers here.", "Start powerctl-edge control, and look as its user."
        ) from error
    try:
        while line := await reader.readline():
            sys.stdout.write(CLEAR + page(json.loads(line)))
            sys.stdout.flush()
    finally:
        writer.close()
