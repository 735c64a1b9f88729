"""Commands for who is who: stations' certificates, people, and the audit log."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cloud import program
from cloud.api.audit import verify
from cloud.api.user import UserService
from cloud.domain import otp
from cloud.domain.audit import Deed
from cloud.domain.principal import Role
from cloud.domain.refusal import Refusal
from cloud.settings import load_settings
from cloud.store import audit as log_of_deeds
from cloud.store import certificates, people, personal
from powerctl.core.errors import ConfigError
from powerctl.core.ids import station_id
from powerctl.runtime.clock import SystemClock
from powerctl.runtime.pki import create_ca


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to a parser."""
    authority = commands.add_parser("ca", help="Certificates of stations.").add_subparsers(dest="action", required=True)
    init = authority.add_parser("init", help="Make the authority that signs stations.")
    init.add_argument("--folder", type=Path, required=True)
    init.add_argument("--name", required=True, help="its common name")
    for action, meaning in (
        ("token", "Print a secret with which one station may enrol once."),
        ("list", "Show a station's certificates."),
        ("revoke", "Revoke every certificate of a station; its connection ends within a minute."),
    ):
        parser = _configured(authority, action, meaning)
        parser.add_argument("--station", required=True)
        if action == "revoke":
            parser.add_argument("--reason", required=True)
    people_ = commands.add_parser("user", help="People who sign in.").add_subparsers(dest="action", required=True)
    new = _configured(people_, "add", "Make a user; the password is asked for, or read from standard input.")
    new.add_argument("--user", required=True)
    new.add_argument("--name", required=True)
    new.add_argument("--role", choices=[role.value for role in Role], required=True)
    for action, meaning in (
        ("export", "Print everything that is known of a person, as JSON."),
        ("erase", "Forget a person; their receipts stay and are nobody's."),
    ):
        _configured(people_, action, meaning).add_argument("--user", required=True)
    deeds = commands.add_parser("audit", help="The audit log.").add_subparsers(dest="action", required=True)
    _configured(deeds, "verify", "Follow the audit log, and name the first entry that does not hold.")


def _configured(
    parsers: argparse._SubParsersAction[argparse.ArgumentParser], name: str, meaning: str
) -> argparse.ArgumentParser:
    parser = parsers.add_parser(name, help=meaning, description=meaning)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the cloud's file (TOML)")
    return parser


def ca(options: argparse.Namespace) -> None:
    """`powerctl-cloud ca`."""
    if options.action == "init":
        _init(options.folder, options.name)
        return
    _run(options.config, {"token": _token, "list": _list, "revoke": _revoke}[options.action], options)


def user(options: argparse.Namespace) -> None:
    """`powerctl-cloud user`."""
    _run(options.config, {"add": _add_user, "export": _export, "erase": _erase}[options.action], options)


def audit(options: argparse.Namespace) -> None:
    """`powerctl-cloud audit`."""
    _run(options.config, _verify, options)


def _run(
    config: Path, action: Callable[[program.Core, argparse.Namespace], Awaitable[None]], options: argparse.Namespace
) -> None:
    async def within() -> None:
        async with program.opened(load_settings(config), SystemClock()) as core:
            await action(core, options)

    try:
        asyncio.run(within())
    except (Refusal, ValueError) as error:
        raise ConfigError("the command", f"was refused: {error}", "Correct it and try again.") from error


def _init(folder: Path, name: str) -> None:
    if (folder / "ca.key").exists():
        why = "holds an authority already; every station would have to enrol anew."
        raise ConfigError(str(folder), why, "Name another folder, or move the old one away.")
    try:
        create_ca(folder, name)
    except OSError as error:
        raise ConfigError(str(folder), f"cannot be written: {error.strerror}.", "Name another folder.") from error
    print(f"Wrote {folder}/ca.pem, which brokers and stations trust, and ca.key, which nobody else may see.")


async def _token(core: program.Core, options: argparse.Namespace) -> None:
    token, expire_time = core.tokens.enrolment(station_id(options.station), core.store.new_id())
    sys.stderr.write(f"Good once, until {expire_time.isoformat()}. At the station: powerctl-edge enrol.\n")
    print(token)


async def _list(core: program.Core, options: argparse.Namespace) -> None:
    async with core.store.database.read() as connection:
        found = await certificates.of_station(connection, station_id(options.station))
    for one in found:
        state = f"revoked {one.revoke_time.isoformat()}: {one.reason}" if one.revoke_time else "not revoked"
        print(f"{one.serial}  {one.not_before.isoformat()} to {one.not_after.isoformat()}  {state}")


async def _revoke(core: program.Core, options: argparse.Namespace) -> None:
    if core.registrar is None:
        raise ConfigError("cloud.ca", "is missing: this cloud enrols nobody.", "Add it.")
    with log_of_deeds.asked(_deed("ca revoke", options.station)):
        count = await core.registrar.revoke(station_id(options.station), options.reason)
    print(f"Revoked {count} certificates of {options.station}.")


async def _add_user(core: program.Core, options: argparse.Namespace) -> None:
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    service = UserService(core.store, core.sign_ins)
    values: dict[str, Any] = {"display_name": options.name, "role": Role(options.role)}
    person, secret = await service.new_person(options.user, values, password)
    with log_of_deeds.asked(_deed("user add", options.user)):
        async with core.store.write() as writing:
            if not await people.add(writing.connection, person):
                raise ConfigError("--user", f"{options.user} exists already.", "Choose another id.")
    if secret is not None:
        sys.stderr.write("For the authenticator, shown only now:\n")
        print(otp.uri(secret, options.user))


async def _export(core: program.Core, options: argparse.Namespace) -> None:
    with log_of_deeds.asked(_deed("user export", options.user)):
        async with core.store.write() as writing:
            found = await personal.export(writing.connection, options.user)
    print(json.dumps(found, indent=2, ensure_ascii=False))


async def _erase(core: program.Core, options: argparse.Namespace) -> None:
    with log_of_deeds.asked(_deed("user erase", options.user)):
        async with core.store.write() as writing:
            await personal.erase(writing.connection, options.user, writing.now)
    await core.sign_ins.end_all(options.user)
    print(f"{options.user} is forgotten. Receipts stay for as long as the law wants them, and are nobody's.")


async def _verify(core: program.Core, options: argparse.Namespace) -> None:
    finding = await verify(core.store, core.tokens)
    if finding.broken_entry:
        where = f"entry {finding.broken_entry} of the audit log"
        raise ConfigError(where, finding.why, "Somebody changed the database past this program; restore a backup.")
    print(f"{finding.entries} entries, all of them as they were written.")


def _deed(method: str, resource: str) -> Deed:
    return Deed(f"{getpass.getuser()}@console", "", f"powerctl-cloud {method}", resource, "")
