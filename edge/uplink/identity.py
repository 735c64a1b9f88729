"""The station's key and certificate on disk: replaced together or not at all, and put back when the new ones fail.

`current` is a link to the folder in use, so that both files change in one step. While a new pair is on trial, the file
`trial` names the folder to go back to; a power loss at any point leaves one of the two pairs in use.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId
from powerctl.runtime.permit import permit_keys_from_wire
from powerctl.runtime.pki import name_in, request, write_private

CERTIFICATE: Final = "station.pem"
KEY: Final = "station.key"
PERMIT_KEY: Final = "permit.pem"
CURRENT: Final = "current"
TRIAL: Final = "trial"
RENEW_LEFT: Final = 0.4
"""Part of its life that a certificate has left when the next one is asked for: before a third is left, whatever the
first attempts come to."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A key, and the certificate for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    permit_key: str = ""
    """The cloud's public keys for permits to charge, PEM. Empty: it has named none."""

    def is_due(self, now: datetime) -> bool:
        """True when it is time for the next one."""
        begin, end = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        return end - now <= (end - begin) * RENEW_LEFT

    def proof(self, asked: x509.CertificateSigningRequest) -> bytes:
        """That the holder of this pair asks for the next."""
        return self.key.sign(asked.public_bytes(serialization.Encoding.DER), ec.ECDSA(hashes.SHA256()))


def new_request(station: StationId) -> tuple[ec.EllipticCurvePrivateKey, x509.CertificateSigningRequest]:
    """A new key, and the request for its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key, request(key, station)


@dataclass(frozen=True, slots=True)
class Issued:
    """What the cloud answers to a request for a certificate, as it came."""

    certificate: str
    """PEM."""
    permit_key: str = ""
    """PEM. Empty: the cloud names none."""


def accepted(
    issued: Issued,
    key: ec.EllipticCurvePrivateKey,
    station: StationId,
    trusted: Sequence[x509.Certificate],
    now: datetime,
) -> Pair:
    """The pair that a certificate from outside makes with `key`.

    Raises:
        RemoteError: It is for another key or station, not by whom we trust, or not valid now; or the cloud's key for
            permits is none.
    """
    try:
        certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    except ValueError as error:
        raise RemoteError("the answer holds no certificate") from error
    if certificate.public_key() != key.public_key() or name_in(certificate.subject) != station:
        raise RemoteError("the certificate is for another key or another station")
    if not any(_is_by(certificate, authority) for authority in trusted):
        raise RemoteError("the certificate is by an authority that we do not trust")
    if not certificate.not_valid_before_utc - timedelta(hours=1) <= now < certificate.not_valid_after_utc:
        raise RemoteError("the certificate is not valid now; check the clock")
    if issued.permit_key:
        permit_keys_from_wire(issued.permit_key.encode())
    return Pair(key, certificate, issued.permit_key)


def _is_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


class Identity:
    """The folder with the station's pairs. Blocking; used off the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> Pair | None:
        """The pair in use. None: the station has not enrolled."""
        current = self._folder / CURRENT
        try:
            certificate = x509.load_pem_x509_certificate((current / CERTIFICATE).read_bytes())
            key = serialization.load_pem_private_key((current / KEY).read_bytes(), password=None)
        except (OSError, ValueError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            return None
        try:
            permit_key = (current / PERMIT_KEY).read_text()
        except (OSError, ValueError):
            permit_key = ""
        return Pair(key, certificate, permit_key)

    @property
    def on_trial(self) -> bool:
        """True while the pair in use has not proven itself."""
        before = self._before()
        if before is not None and before == self._current():
            # Power was lost between the note and the change.
            (self._folder / TRIAL).unlink(missing_ok=True)
            return False
        return before is not None

    def install(self, pair: Pair) -> None:
        """Use `pair` from now on, without a way back; for enrolment."""
        (self._folder / TRIAL).unlink(missing_ok=True)
        self._use(self._write(pair))
        self._tidy()

    def try_out(self, pair: Pair) -> None:
        """Use `pair` until it is kept or given up."""
        fresh, before = self._write(pair), self._current()
        if before is not None:
            _write_durably(self._folder / TRIAL, before.encode())
        self._use(fresh)

    def keep(self) -> None:
        """The pair on trial has proven itself."""
        (self._folder / TRIAL).unlink(missing_ok=True)
        self._tidy()

    def give_up(self) -> None:
        """Go back to the pair before the one on trial."""
        before = self._before()
        if before is not None:
            self._use(before)
            (self._folder / TRIAL).unlink(missing_ok=True)
            self._tidy()

    def _current(self) -> str | None:
        try:
            return os.readlink(self._folder / CURRENT)
        except OSError:
            return None

    def _before(self) -> str | None:
        try:
            name = (self._folder / TRIAL).read_text()
        except OSError:
            return None
        return name if (self._folder / name / CERTIFICATE).is_file() else None

    def _write(self, pair: Pair) -> str:
        name = f"{pair.certificate.serial_number:x}"
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = pair.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(folder / KEY, pem)
        _write_durably(folder / CERTIFICATE, pair.certificate.public_bytes(serialization.Encoding.PEM))
        if pair.permit_key:
            _write_durably(folder / PERMIT_KEY, pair.permit_key.encode())
        _sync(folder / KEY)
        _sync(folder)
        return name

    def _use(self, name: str) -> None:
        fresh = self._folder / f".{CURRENT}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(name)
        os.replace(fresh, self._folder / CURRENT)
        _sync(self._folder)

    def _tidy(self) -> None:
        """Remove pairs that are not in use."""
        current = self._current()
        for path in self._folder.iterdir():
            if path.is_dir() and not path.is_symlink() and path.name != current:
                shutil.rmtree(path)


def _write_durably(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    _sync(fresh)
    os.replace(fresh, path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
