"""`powerctl-cloud`: the back end, and what its operator does by hand."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cloud import backup_cli, identity_cli, program
from cloud.api.tokens import load_key
from cloud.domain.principal import Principal, Role
from cloud.receipts.ocmf import Unreadable
from cloud.receipts.verify import verify
from cloud.settings import load_settings
from powerctl.core.errors import ConfigError
from powerctl.runtime.log import LEVELS
from powerctl.runtime.permit import permit_key_to_wire
from powerctl.runtime.pki import signing_key
from powerctl.runtime.service import EXIT_CLEAN, EXIT_CONFIG
from powerctl.runtime.service import main as run_main


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the cloud; returns the exit status."""
    options = parser().parse_args(argv)
    if options.command == "serve":
        return run_main("cloud", lambda: program.run(options.config), level=options.log_level)
    try:
        _COMMANDS[options.command](options)
    except ConfigError as error:
        sys.stderr.write(f"powerctl-cloud: {error}\n")
        return EXIT_CONFIG
    return EXIT_CLEAN


def _migrate(options: argparse.Namespace) -> None:
    asyncio.run(program.run_migrations(options.config))
    print("The database has the schema of this version.")


def _keygen(options: argparse.Namespace) -> None:
    if options.out.exists():
        why = "exists already; every sign-in would end with it."
        raise ConfigError(str(options.out), why, "Name a new file, or move the old one away.")
    try:
        signing_key(options.out)
    except OSError as error:
        raise ConfigError(str(options.out), f"cannot be written: {error.strerror}.", "Name another file.") from error
    print(f"Wrote {options.out}; keep it to yourself, and name it as cloud.identity.signing_key.")


def _permit_key(options: argparse.Namespace) -> None:
    print(permit_key_to_wire(load_key(load_settings(options.config).identity.signing_key).public_key()), end="")


def _sign_in_link(options: argparse.Namespace) -> None:
    user = options.user or re.sub(r"[^a-z0-9]+", "-", options.name.lower()).strip("-") or options.role
    who = Principal(user, options.name, Role(options.role))
    print(program.sign_in_link(load_settings(options.config), who, timedelta(minutes=options.minutes)))


def _verify(options: argparse.Namespace) -> None:
    try:
        verdict = verify(options.file.read_bytes(), options.key)
    except OSError as error:
        raise ConfigError(str(options.file), f"cannot be read: {error.strerror}.", "Name another file.") from error
    except Unreadable as error:
        raise ConfigError(str(options.file), f"cannot be checked: {error}", "Name a signed receipt.") from error
    for line in (*verdict.facts, *(f"PROBLEM: {problem}" for problem in verdict.problems)):
        print(line)
    if verdict.problems:
        raise SystemExit(1)
    print("The signature fits, and the receipt says what the signed readings say.")


_COMMANDS = {
    "migrate": _migrate,
    "keygen": _keygen,
    "permit-key": _permit_key,
    "sign-in-link": _sign_in_link,
    "verify": _verify,
    "ca": identity_cli.ca,
    "user": identity_cli.user,
    "audit": identity_cli.audit,
    "backup-key": backup_cli.backup_key,
    "backup": backup_cli.backup,
    "restore": backup_cli.restore,
    "drill": backup_cli.drill,
}


def parser() -> argparse.ArgumentParser:
    """What `powerctl-cloud` and its commands take; the reference page is made from it."""
    parser = argparse.ArgumentParser(prog="powerctl-cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = _command(commands, "serve", "Run ingest, API, page and metrics.")
    serve.add_argument("--log-level", choices=sorted(LEVELS), default="info")
    _command(commands, "migrate", "Bring the database to the schema of this version.")
    keygen = commands.add_parser("keygen", help="Make the key that signs tokens.")
    keygen.add_argument("--out", type=Path, required=True, metavar="FILE")
    _command(commands, "permit-key", "Print the public key by which stations know permits to charge.")
    check = commands.add_parser("verify", help="Check a signed receipt: JSON, PDF or OCMF.")
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--key", default="", metavar="SHA256", help="fingerprint of the key that must have signed")
    link = _command(commands, "sign-in-link", "Print an address that signs one person in, once.")
    link.add_argument("--role", choices=[role.value for role in Role], required=True)
    link.add_argument("--name", required=True, help="the person's name as others see it")
    link.add_argument("--user", default="", help="the person's id; made from the name when it is left out")
    link.add_argument("--minutes", type=int, choices=range(1, 24 * 60 + 1), default=60, metavar="N", help="its life")
    identity_cli.add(commands)
    backup_cli.add(commands)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, meaning: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=meaning, description=meaning)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the cloud's file (TOML)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
