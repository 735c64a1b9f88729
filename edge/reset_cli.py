"""`powerctl-edge reset`: the station forgets who it is and what it saw, as on its first day."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import Final

from edge.control.journal import journal_path, open_transactions
from edge.control.window import window_path
from edge.uplink.settings import UplinkSettings, load_settings
from powerctl.core.errors import ConfigError
from powerctl.core.record import Lane, Record, SecurityEvent
from powerctl.runtime.outbox import Outbox
from powerctl.runtime.station import StationSettings
from powerctl.wire.batch import encode_record

DESCRIPTION: Final = "Wipe keys, records and journal; the station must be enrolled anew. Its settings stay."
DONE, REFUSED, UNUSABLE = 0, 1, 2
FOLDERS: Final = ("blackbox", "ocmf")
"""Of the controller, in its part of `station.state_dir`. Registers of simulated meters stay: a register never falls."""


class Refused(Exception):
    """It is not done; says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a reset touches."""

    station: StationSettings
    uplink: UplinkSettings

    @property
    def outbox(self) -> Path:
        """The shared file of records and commands."""
        return self.uplink.outbox_path(self.station)

    @property
    def journal(self) -> Path:
        """What the controller remembers over a restart."""
        return journal_path(self.station.state_dir)

    def secrets(self) -> Iterator[Path]:
        """Files of the station's identity, private keys first."""
        if self.uplink.identity is None:
            tls = self.uplink.broker.tls
            yield from (tls.key, tls.certificate)
            return
        found = [path for path in self.uplink.identity.folder.rglob("*") if path.is_file() and not path.is_symlink()]
        yield from sorted(found, key=lambda path: (path.suffix != ".key", path))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `powerctl-edge reset`."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the station file (TOML)")
    parser.add_argument("--confirm", metavar="STATION", help="the station's id; asked for where it is not given")
    parser.add_argument(
        "--lose-records", action="store_true", help="also wipe billing records that the cloud does not have yet"
    )


def run(options: argparse.Namespace) -> int:
    """Reset. Exit status 0: done; 1: refused, nothing was touched; 2: something cannot be used."""
    try:
        target = Target(*load_settings(options.config))
        _check(target, lose_records=options.lose_records)
        _confirm(target, options.confirm)
        wipe(target)
    except Refused as error:
        print(f"Refused: {error}.", file=sys.stderr)
        return REFUSED
    except ConfigError as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except OSError as error:
        print(f"The disk: {error}. Run it again.", file=sys.stderr)
        return UNUSABLE
    print("The station is as on its first day. Enrol it: powerctl-edge enrol.")
    return DONE


def wipe(target: Target) -> None:
    """Keys first, then records and recordings, the journal last. After a power cut it is done once more.

    What a flash memory keeps of overwritten files is beyond a program: store keys on an encrypted disk.
    """
    for path in target.secrets():
        _shred(path)
    if target.uplink.identity is not None and target.uplink.identity.folder.exists():
        shutil.rmtree(target.uplink.identity.folder)
    for name in FOLDERS:
        shutil.rmtree(target.station.state_dir / "edge" / name, ignore_errors=True)
    for database in (target.outbox, target.journal):
        for path in database.parent.glob(f"{database.name}*"):
            path.unlink()
    _tell(target)


def _tell(target: Target) -> None:
    now = datetime.now(UTC)
    outbox = Outbox(target.outbox)
    try:
        event = SecurityEvent("factory_reset", "Keys, records and journal were wiped at the station.", now)
        outbox.append(Lane.BILLING, encode_record(Record(now, event)))
    finally:
        outbox.close()


def _check(target: Target, *, lose_records: bool) -> None:
    if open_transactions(target.journal):
        raise Refused("a vehicle is charging; wait until nobody does")
    if _answers(window_path(target.station.state_dir)) or _listens(target.uplink):
        raise Refused("the station's programs run; stop powerctl-edge-control and powerctl-edge-uplink first")
    waiting = _waiting(target.outbox)
    if waiting and not lose_records:
        raise Refused(
            f"{waiting} records of money and safety wait for the cloud; let them go there, or say --lose-records"
        )


def _waiting(path: Path) -> int:
    """Records of money and safety that the cloud does not have."""
    if not path.exists():
        return 0
    outbox = Outbox(path)
    try:
        return outbox.depth()[Lane.BILLING]
    finally:
        outbox.close()


def _confirm(target: Target, given: str | None) -> None:
    name = target.station.id
    if given is None:
        print(f"Everything that {name} knows is wiped. Write its id to go on: ", end="", flush=True)
        given = sys.stdin.readline().strip()
    if given != name:
        raise Refused(f"this station is {name}")


def _answers(window: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as controller:
        controller.settimeout(1.0)
        return controller.connect_ex(str(window)) == 0


def _listens(uplink: UplinkSettings) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((uplink.http.host, uplink.http.port)) == 0


def _shred(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b", buffering=0) as file:
        file.write(token_bytes(path.stat().st_size))
        os.fsync(file.fileno())
    path.unlink()
