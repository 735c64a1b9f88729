"""`powerctl-edge update`: makes, checks and installs releases of the station's software."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from edge.control.journal import journal_path, open_transactions
from edge.update import bundle as bundles
from edge.update.judge import Terms, all_answer, proves_itself
from edge.update.manifest import Refused
from edge.update.settings import UpdateSettings
from edge.update.slots import Slots
from edge.uplink.settings import load_settings
from powerctl.core.errors import ConfigError
from powerctl.core.record import Lane, Record, SecurityEvent
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.outbox import Outbox, OutboxFull
from powerctl.wire.batch import encode_record

DESCRIPTION: Final = "Signed updates in two slots, with a way back that needs nobody."
DONE, REFUSED, UNUSABLE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `powerctl-edge update`."""
    steps = parser.add_subparsers(dest="step", required=True)
    key = steps.add_parser("new-key", help="Make a key that signs releases; KEY.pub is for the stations.")
    key.add_argument("key", type=Path)
    build = steps.add_parser("build", help="Make a signed bundle of a folder.")
    build.add_argument("tree", type=Path)
    build.add_argument("--out", type=Path, required=True)
    build.add_argument("--key", type=Path, required=True)
    build.add_argument("--release", required=True, metavar="VERSION", help="the version, for people")
    build.add_argument("--number", type=int, required=True, help="rises with every release")
    build.add_argument("--may-replace", type=int, default=0, metavar="NUMBER", help="authorise a downgrade from up to")
    verify = steps.add_parser("verify", help="Check a bundle without a station.")
    verify.add_argument("bundle", type=Path)
    verify.add_argument("--key", type=Path, action="append", required=True, help="public key; may be repeated")
    for name, meaning in _ON_A_STATION.items():
        step = steps.add_parser(name, help=meaning)
        step.add_argument("--config", type=Path, required=True, metavar="FILE", help="the station file (TOML)")
        if name == "install":
            step.add_argument("bundle", type=Path)


_ON_A_STATION: Final = {
    "install": "Verify a bundle, write it into the slot that does not run, and put it on trial.",
    "start": "Count a start; run before the station's programs start.",
    "commit": "Keep the release on trial when it is healthy in time; otherwise roll it back.",
    "rollback": "Go back to the release before the one on trial.",
    "status": "Say what is in the slots.",
}


def run(options: argparse.Namespace) -> int:
    """Do one step. Exit status 0: done; 1: refused or rolled back; 2: something cannot be used."""
    try:
        return _STEPS[options.step](options)
    except Refused as error:
        print(f"Refused: {error}.", file=sys.stderr)
        return REFUSED
    except ConfigError as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except OSError as error:
        print(f"The disk: {error}", file=sys.stderr)
        return UNUSABLE


def _new_key(options: argparse.Namespace) -> int:
    print(f"Keep {options.key} secret; give {bundles.new_key(options.key)} to the stations.")
    return DONE


def _build(options: argparse.Namespace) -> int:
    made = bundles.build(
        options.tree,
        options.out,
        options.key,
        version=options.release,
        number=options.number,
        may_replace=options.may_replace,
    )
    print(f"{options.out}: release {made.number} ({made.version}), {len(made.files)} files.")
    return DONE


def _verify(options: argparse.Namespace) -> int:
    found = bundles.verify(options.bundle, options.key)
    print(f"{options.bundle}: release {found.number} ({found.version}), {len(found.files)} files, signature good.")
    return DONE


class _Station:
    """The station's slots; what happens to them goes into its outbox."""

    def __init__(self, config: Path) -> None:
        station, uplink = load_settings(config)
        if uplink.update is None:
            raise ConfigError("uplink.update", "is missing.", "Say where the slots are and whose software to take.")
        self.settings: UpdateSettings = uplink.update
        self.state_dir = station.state_dir
        self._outbox = uplink.outbox_path(station)
        self.slots = Slots(self.settings.root, self._report)

    def _report(self, code: str, detail: str) -> None:
        now = datetime.now(UTC)
        outbox = Outbox(self._outbox)
        try:
            outbox.append(Lane.BILLING, encode_record(Record(now, SecurityEvent(code, detail, now))))
        except OutboxFull as error:
            print(f"The event is not recorded: {error}", file=sys.stderr)
        finally:
            outbox.close()


def _install(options: argparse.Namespace) -> int:
    station = _Station(options.config)
    if open_transactions(journal_path(station.state_dir)):
        raise Refused("a vehicle is charging; wait until nobody does")
    made = station.slots.install(options.bundle, station.settings.keys)
    print(f"Release {made.number} ({made.version}) is on trial. Restart the station's programs, then `update commit`.")
    return DONE


def _start(options: argparse.Namespace) -> int:
    print(f"Slot {_Station(options.config).slots.begin_start()} starts.")
    return DONE


def _commit(options: argparse.Namespace) -> int:
    station = _Station(options.config)
    if station.slots.state().trial is None:
        raise ConfigError(str(station.settings.root), "has no update on trial.", "Install one first.")
    terms = Terms(station.settings.healthy_s, station.settings.within_s)
    if asyncio.run(proves_itself(lambda: all_answer(station.settings.health), terms, SystemClock())):
        station.slots.commit()
        print("The release stays.")
        return DONE
    station.slots.rollback("it was not healthy in time")
    print("The release was rolled back. Restart the station's programs.", file=sys.stderr)
    return REFUSED


def _rollback(options: argparse.Namespace) -> int:
    _Station(options.config).slots.rollback("by hand")
    print("The release was rolled back. Restart the station's programs.")
    return DONE


def _status(options: argparse.Namespace) -> int:
    slots = _Station(options.config).slots
    state, found = slots.state(), {}
    for slot in {state.good, state.trial} - {None}:
        manifest = slots.manifest(str(slot))
        found[slot] = {
            "release": manifest.number if manifest else None,
            "version": manifest.version if manifest else None,
            "damaged": slots.damage(str(slot)),
        }
    answer: dict[str, Any] = {"current": slots.current(), "good": state.good, "trial": state.trial, "slots": found}
    print(json.dumps(answer, indent=2))
    return REFUSED if any(entry["damaged"] for entry in found.values()) else DONE


_STEPS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "new-key": _new_key,
    "build": _build,
    "verify": _verify,
    "install": _install,
    "start": _start,
    "commit": _commit,
    "rollback": _rollback,
    "status": _status,
}
