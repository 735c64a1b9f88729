"""`powerctl`: the energy manager, the configuration checker, the vehicle simulator and the demo."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from powerctl.app import completion, evidence_cli, grid_cli, simulate_cli, terminal
from powerctl.core.errors import ConfigError
from powerctl.runtime import log, service

EXTRAS = {
    "pymodbus": "manager",
    "pyomo": "manager",
    "can": "edge",
    "paho": "edge",
    "sqlalchemy": "cloud",
    "uvicorn": "cloud",
    "rich": "manager",
    "cryptography": "manager",
}
"""Which extra brings a module that one of the commands needs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status is 0 when done, 1 when a story failed, 2 when something is to correct."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments[:1] == ["vehicle"]:
        return _guarded(lambda: _vehicle(arguments[1:]))
    options = parser().parse_args(arguments)
    return _guarded(lambda: int(options.run(options)))


def _guarded(command: Callable[[], int]) -> int:
    try:
        return command()
    except ConfigError as error:
        sys.stderr.write(f"powerctl: {error}\n")
        return service.EXIT_CONFIG
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        sys.stderr.write(f"powerctl: {error.name} is not installed. Install powerctl[{extra}].\n")
        return service.EXIT_CONFIG


def parser() -> argparse.ArgumentParser:
    """What `powerctl` and its commands take; the reference page is made from it."""
    parser = argparse.ArgumentParser(prog="powerctl", description=__doc__)
    parser.add_argument("--version", action="version", version=f"powerctl {metadata.version('powerctl')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_check(commands)
    _add_demo(commands)
    grid_cli.add(commands)
    evidence_cli.add_to(commands)
    simulate_cli.add_to(commands)
    terminal.add_to(commands)
    completion.add_to(commands, parser)
    commands.add_parser("vehicle", help="a simulated vehicle over CAN and a plant (powerctl vehicle --help)")
    return parser


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("run", help="the energy manager of one station")
    _add_config(parser)
    parser.add_argument("--log-level", choices=sorted(log.LEVELS), default="info")
    parser.set_defaults(run=_run)


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("check", help="validate a station file and say in words what the station will do")
    _add_config(parser)
    parser.set_defaults(run=_check)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="station file (TOML)")


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo", help="the whole product on this machine with two simulated vehicles; nothing leaves loopback"
    )
    parser.add_argument("--headless", action="store_true", help="no browser, no live screen; ends after the story")
    parser.add_argument("--duration", type=float, metavar="S", help="end after so many seconds (a story: 60)")
    parser.add_argument("--scenario", metavar="NAME", help="play a story: grid-dip, cut-cable, taper or two-cars")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of everything that varies (1)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the story's measured report as JSON")
    parser.add_argument("--vehicles", choices=["simulated", "none"], default="simulated", help="none: bring your own")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep files here instead of a temporary folder")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=PORT", help="move a port, e.g. web=8088")
    parser.add_argument("--record", type=Path, metavar="DIR", help="take pictures of the page during the story")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    parser.set_defaults(run=_demo)


def _run(options: argparse.Namespace) -> int:
    from powerctl.app import manager_program
    from powerctl.app.manager_settings import ManagerSettings
    from powerctl.runtime.settings import load
    from powerctl.runtime.station import StationSettings

    async def build() -> None:
        tables = load(options.config, {"station": StationSettings, "manager": ManagerSettings})
        await manager_program.run(tables["station"], tables["manager"], config=options.config)

    return service.main("powerctl", build, level=options.log_level)


def _check(options: argparse.Namespace) -> int:
    from powerctl.app import check

    return check.main(options.config)


def _vehicle(arguments: Sequence[str]) -> int:
    from edge.sim import program

    return int(program.main(arguments))


def _demo(options: argparse.Namespace) -> int:
    from powerctl.app.demo import program

    return program.main(options)


if __name__ == "__main__":
    sys.exit(main())
