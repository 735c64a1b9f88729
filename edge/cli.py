"""`powerctl-edge`: the programs that run on the charging controller."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from edge import replay_cli, reset_cli, update_cli
from powerctl.core.errors import ConfigError
from powerctl.runtime.log import LEVELS
from powerctl.runtime.service import main as run_main

PROGRAMS: Final = {
    "control": "Drive the connectors: vehicles, hardware, energy manager.",
    "uplink": "Ship records to the cloud and bring its commands back.",
    "enrol": "Get the station's first certificate; the token is read from standard input.",
    "doctor": "Look at every device of the station and say what to do.",
    "monitor": "Watch the running controller in the terminal.",
    "blackbox": "List what the black boxes have kept around faults, or save it as one archive.",
    "release": "Release latched faults after their cause was removed.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the controller's programs; returns the exit status."""
    options = parser().parse_args(argv)
    if options.program == "replay":
        return replay_cli.run(options.log, options.channel, as_json=options.json)
    if options.program == "update":
        return update_cli.run(options)
    if options.program == "reset":
        return reset_cli.run(options)
    return run_main(f"edge-{options.program}", _program(options), level=options.log_level)


def parser() -> argparse.ArgumentParser:
    """What `powerctl-edge` and its programs take; the reference page is made from it."""
    parser = argparse.ArgumentParser(prog="powerctl-edge", description=__doc__)
    programs = parser.add_subparsers(dest="program", required=True)
    for name, meaning in PROGRAMS.items():
        program = programs.add_parser(name, help=meaning, description=meaning)
        program.add_argument("--config", type=Path, required=True, metavar="FILE", help="the station file (TOML)")
        program.add_argument("--log-level", choices=sorted(LEVELS), default="info")
        if name == "blackbox":
            program.add_argument("recording", nargs="*", metavar="RECORDING", help="a name from the list, or latest")
            program.add_argument("--save", type=Path, metavar="FILE", help="write one ZIP archive")
    replay_cli.add_arguments(
        programs.add_parser("replay", help=replay_cli.DESCRIPTION, description=replay_cli.DESCRIPTION)
    )
    update_cli.add_arguments(
        programs.add_parser("update", help=update_cli.DESCRIPTION, description=update_cli.DESCRIPTION)
    )
    reset_cli.add_arguments(programs.add_parser("reset", help=reset_cli.DESCRIPTION, description=reset_cli.DESCRIPTION))
    return parser


def _program(options: argparse.Namespace) -> Callable[[], Awaitable[None]]:
    """Imported only now, so that each program carries only what it needs."""
    name, config = options.program, options.config
    if name == "control":
        from edge.control import program as control

        return lambda: control.run(config)
    if name in _ERRANDS:
        return lambda: _ERRANDS[name](options)
    if name == "monitor":
        from edge.control import monitor

        return lambda: monitor.watch(config)
    from edge.uplink import program as uplink

    return lambda: uplink.run(config)


async def _enrol(options: argparse.Namespace) -> None:
    from edge.uplink.program import enrol_station

    token = (await asyncio.to_thread(sys.stdin.readline)).strip()
    print(f"Enrolled; the certificate is good until {await asyncio.to_thread(enrol_station, options.config, token)}.")


async def _blackbox(options: argparse.Namespace) -> None:
    from edge.control.recordings import told

    for line in await asyncio.to_thread(lambda: list(told(options.config, options.recording, options.save))):
        print(line)


async def _doctor(options: argparse.Namespace) -> None:
    from edge.control.doctor import Health, examine, table

    findings = await asyncio.to_thread(examine, options.config)
    print("\n".join(table(findings)))
    bad = [finding for finding in findings if finding.health is Health.BAD]
    if bad:
        raise ConfigError(bad[0].device, f"{bad[0].found}.", bad[0].remedy)


async def _release(options: argparse.Namespace) -> None:
    from edge.control.release import release

    for sentence in await asyncio.to_thread(release, options.config):
        print(sentence)


_ERRANDS: Final[dict[str, Callable[[argparse.Namespace], Awaitable[None]]]] = {
    "blackbox": _blackbox,
    "doctor": _doctor,
    "enrol": _enrol,
    "release": _release,
}


if __name__ == "__main__":
    sys.exit(main())
