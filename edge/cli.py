"""`powerctl-edge`: the programs that run on the charging controller."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from edge import replay_cli
from powerctl.core.errors import ConfigError
from powerctl.runtime.log import LEVELS
from powerctl.runtime.service import main as run_main

PROGRAMS: Final = {
    "control": "Drive the connectors: vehicles, hardware, energy manager.",
    "uplink": "Ship records to the cloud and bring its commands back.",
    "enrol": "Get the station's first certificate; the token is read from standard input.",
    "doctor": "Look at every device of the station and say what to do.",
    "monitor": "Watch the running controller in the terminal.",
    "release": "Release latched faults after their cause was removed.",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the controller's programs; returns the exit status."""
    options = parser().parse_args(argv)
    if options.program == "replay":
        return replay_cli.run(options.log, options.channel, as_json=options.json)
    return run_main(f"edge-{options.program}", _program(options.program, options.config), level=options.log_level)


def parser() -> argparse.ArgumentParser:
    """What `powerctl-edge` and its programs take; the reference page is made from it."""
    parser = argparse.ArgumentParser(prog="powerctl-edge", description=__doc__)
    programs = parser.add_subparsers(dest="program", required=True)
    for name, meaning in PROGRAMS.items():
        program = programs.add_parser(name, help=meaning, description=meaning)
        program.add_argument("--config", type=Path, required=True, metavar="FILE", help="the station file (TOML)")
        program.add_argument("--log-level", choices=sorted(LEVELS), default="info")
    replay_cli.add_arguments(
        programs.add_parser("replay", help=replay_cli.DESCRIPTION, description=replay_cli.DESCRIPTION)
    )
    return parser


def _program(name: str, config: Path) -> Callable[[], Awaitable[None]]:
    """Imported only now, so that each program carries only what it needs."""
    if name == "control":
        from edge.control import program as control

        return lambda: control.run(config)
    if name == "release":
        return lambda: _release(config)
    if name == "doctor":
        return lambda: _doctor(config)
    if name == "monitor":
        from edge.control import monitor

        return lambda: monitor.watch(config)
    from edge.uplink import program as uplink

    if name == "enrol":
        return lambda: _enrol(config)
    return lambda: uplink.run(config)


async def _enrol(config: Path) -> None:
    from edge.uplink.program import enrol_station

    token = (await asyncio.to_thread(sys.stdin.readline)).strip()
    print(f"Enrolled; the certificate is good until {await asyncio.to_thread(enrol_station, config, token)}.")


async def _doctor(config: Path) -> None:
    from edge.control.doctor import Health, examine, table

    findings = await asyncio.to_thread(examine, config)
    print("\n".join(table(findings)))
    bad = [finding for finding in findings if finding.health is Health.BAD]
    if bad:
        raise ConfigError(bad[0].device, f"{bad[0].found}.", bad[0].remedy)


async def _release(config: Path) -> None:
    from edge.control.release import release

    for sentence in await asyncio.to_thread(release, config):
        print(sentence)


if __name__ == "__main__":
    sys.exit(main())
