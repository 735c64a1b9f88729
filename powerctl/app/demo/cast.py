"""The processes of the demo and how each is started."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from powerctl.app.demo.files import AUXILIARY_W, RATING_W, SETTLE_S, Files
from powerctl.app.demo.observer import ObserverSettings
from powerctl.app.demo.ports import HOST
from powerctl.app.demo.stories import Story
from powerctl.app.demo.supervisor import LineHandler, Program

CHANNEL: Final = "can0"


def module(name: str, *arguments: object) -> tuple[str, ...]:
    """Command line that runs a module of the product with this interpreter."""
    return (sys.executable, "-m", name, *(str(argument) for argument in arguments))


def programs(files: Files) -> Iterator[Program]:
    """The broker and the programs of the product but the uplink, in the order in which they are started."""
    yield Program("broker", files.broker.argv)
    yield Program("cloud", module("cloud.cli", "serve", "--config", files.cloud_file))
    yield Program("powerctl", module("powerctl.app.cli", "run", "--config", files.station_file))
    yield Program("edge-control", module("edge.cli", "control", "--config", files.station_file))


def uplink(files: Files) -> Program:
    """The way between station and cloud."""
    return Program("edge-uplink", module("edge.cli", "uplink", "--config", files.station_file))


def neighbours(files: Files) -> Program:
    """The simulated stations around ours."""
    return Program("neighbours", module("powerctl.app.demo.neighbourhood", files.neighbours_file))


def hubs(files: Files) -> Iterator[Program]:
    """A CAN bus for each connector."""
    for name, port in (("can-left", files.ports.can_left), ("can-right", files.ports.can_right)):
        yield Program(name, module("edge.can.hub", "--listen", f"{HOST}:{port}", "--channel", CHANNEL))


def vehicles(files: Files, story: Story, seed: int, on_line: LineHandler) -> Iterator[Program]:
    """The two simulated vehicles; they wait for the order to plug in."""
    ports = files.ports
    places = (("vehicle-left", ports.can_left, ports.plant_left), ("vehicle-right", ports.can_right, ports.plant_right))
    for index, ((name, can, plant), cast) in enumerate(zip(places, story.vehicles, strict=True)):
        arguments: list[object] = ["vehicle", "--model", cast.model, "--soc", cast.soc_percent]
        arguments += ["--can", f"socketcand:{HOST}:{can}/{CHANNEL}", "--plant", f"{HOST}:{plant}"]
        arguments += ["--seed", seed + index, "--stdin"]
        if cast.capacity_kwh is not None:
            arguments += ["--capacity-kwh", cast.capacity_kwh]
        yield Program(name, module("powerctl.app.cli", *arguments), on_line=on_line, listens=True)


def utility(files: Files, on_line: LineHandler) -> Program:
    """The simulated utility."""
    arguments = ("--host", HOST, "--port", files.ports.modbus)
    return Program("utility", module("powerctl.sim.utility", *arguments), on_line=on_line, listens=True)


def observer(files: Files, on_line: LineHandler) -> Program:
    """Who measures from outside."""
    settings = ObserverSettings(
        host=HOST,
        hubs=(files.ports.can_left, files.ports.can_right),
        modbus_port=files.ports.modbus,
        rating_w=RATING_W,
        settle_s=SETTLE_S,
        fallback_ac_w=files.fallback_ac_w,
        auxiliary_w=AUXILIARY_W,
        outbox=str(files.outbox),
        database=str(files.database),
    )
    command = module("powerctl.app.demo.observer", json.dumps(asdict(settings)))
    return Program("observer", command, on_line=on_line, listens=True, restart=False)
