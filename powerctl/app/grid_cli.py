"""`powerctl grid`: certificates for utilities and their stations (Secure SunSpec Modbus)."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from powerctl.core.errors import ConfigError

if TYPE_CHECKING:
    from powerctl.runtime.pki import Authority

ROLES: Final = ("ReadOnlySunSpec", "GridServiceSunSpec", "NetworkAdministratorSunSpec", "SuperAdministratorSunSpec")
CLIENT_DAYS: Final = 365.0


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `powerctl`."""
    parser = commands.add_parser("grid", help="certificates for those who command the station over secure Modbus")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_authority(actions)
    _add_certificate(actions)
    _add_enrol(actions)
    _add_revoke(actions)


def _add_authority(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("authority", help="a new authority that signs stations and utilities")
    _add_folder(parser)
    parser.add_argument("--name", default="powerctl grid authority", help="its common name")
    parser.set_defaults(run=_authority)


def _add_certificate(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("certificate", help="the station's own certificate for its secure server")
    _add_issued(parser, CLIENT_DAYS)
    parser.add_argument(
        "--host", action="append", required=True, metavar="NAME", help="DNS name or address of the station; repeatable"
    )
    parser.set_defaults(run=_certificate)


def _add_enrol(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("enrol", help="a utility's client certificate with its role, bound to slots")
    _add_issued(parser, CLIENT_DAYS)
    parser.add_argument("--role", choices=ROLES, default="GridServiceSunSpec")
    parser.add_argument(
        "--slot", type=int, action="append", default=[], choices=range(4), help="slot that it speaks for; repeatable"
    )
    parser.add_argument("--organisation", default="", metavar="NAME")
    parser.set_defaults(run=_enrol)


def _add_revoke(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("revoke", help="take a certificate back before it expires")
    _add_folder(parser)
    parser.add_argument("certificate", type=Path, nargs="+", metavar="FILE", help="certificate (PEM)")
    parser.set_defaults(run=_revoke)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--authority", type=Path, required=True, metavar="DIR", help="folder of the authority")


def _add_issued(parser: argparse.ArgumentParser, days: float) -> None:
    _add_folder(parser)
    parser.add_argument("--name", required=True, help="common name; also the file name")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the files (the authority's)")
    parser.add_argument("--days", type=float, default=days, metavar="N", help=f"life ({days:g})")


def _authority(options: argparse.Namespace) -> int:
    from powerctl.runtime import pki

    if (options.authority / "ca.key").exists():
        raise ConfigError(str(options.authority), "There is an authority already.", "Name another folder.")
    made = pki.create_ca(options.authority, options.name)
    _say(f"{made.certificate_file}: the authority; give this file to utilities, and keep {made.folder / 'ca.key'} safe")
    return 0


def _certificate(options: argparse.Namespace) -> int:
    from powerctl.runtime import pki

    files = pki.issue(_issuer(options), options.name, server_names=options.host, days=options.days)
    _say("[manager.grid.modbus_tls]")
    _say(f'certificate = "{files.certificate}"')
    _say(f'key = "{files.key}"')
    _say(f'authorities = ["{files.ca}"]')
    return 0


def _enrol(options: argparse.Namespace) -> int:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from powerctl.runtime import pki
    from powerctl.signals.certificate import fingerprint_of

    issuer = _issuer(options)
    files = pki.issue(
        issuer, options.name, organisation=options.organisation, client=True, role=options.role, days=options.days
    )
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    _say(f"# {files.certificate}, {files.key}, {files.ca}: for {options.name}, role {options.role}")
    if options.slot:
        _say("[[manager.grid.modbus_tls.clients]]")
        _say(f'name = "{options.name}"')
        _say(f'fingerprint = "{fingerprint_of(certificate.public_bytes(Encoding.DER))}"')
        _say(f"slots = {sorted(set(options.slot))}")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    from cryptography import x509

    from powerctl.runtime.revocation import revoke

    authority = _load(options.authority)
    try:
        certificates = [x509.load_pem_x509_certificate(file.read_bytes()) for file in options.certificate]
        path = revoke(authority, *certificates)
    except (OSError, ValueError) as error:
        raise ConfigError("certificate", f"It cannot be revoked: {error}.", "Name PEM files it has issued.") from error
    _say("# In [manager.grid.modbus_tls]; a replaced list counts from the next connection on.")
    _say(f'revoked = "{path}"')
    return 0


def _load(folder: Path) -> Authority:
    from powerctl.runtime import pki

    try:
        return pki.load_ca(folder)
    except (OSError, ValueError) as error:
        raise ConfigError(
            str(folder), f"There is no authority: {error}.", "Make one: powerctl grid authority."
        ) from error


def _issuer(options: argparse.Namespace) -> Authority:
    """The authority, with what it issues going to `--out`."""
    if not options.name.replace("-", "").replace("_", "").replace(".", "").isalnum() or options.name == "ca":
        raise ConfigError("--name", f"{options.name!r} is no file name.", "Use letters, digits, '-', '_' and '.'.")
    authority = _load(options.authority)
    if options.out is None or options.out == options.authority:
        return authority
    options.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(authority.certificate_file, options.out / "ca.pem")
    return replace(authority, folder=options.out)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
