"""Gives stations their certificates: the first for a token, the next for proof of the last, and none any more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.ca.settings import CaSettings
from cloud.domain.refusal import Refusal, Why
from cloud.store import certificates
from cloud.store.certificates import StationCertificate
from cloud.store.store import Store
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.ids import StationId
from powerctl.runtime import log, metrics
from powerctl.runtime.pki import Authority, load_ca, read_request, sign_client

_UNPROVEN = "The present certificate is not one that may be renewed. Enrol the station anew."
_log = log.get(__name__)


def authority(settings: CaSettings) -> Authority:
    """The authority in the settings.

    Raises:
        ConfigError: It cannot be used.
    """
    try:
        return load_ca(settings.folder)
    except (OSError, ValueError) as error:
        remedy = "Make an authority with `powerctl-cloud ca init`."
        raise ConfigError("cloud.ca.folder", f"holds no authority: {error}.", remedy) from error


@dataclass(frozen=True, slots=True)
class Registrar:
    """Issues and revokes stations' certificates."""

    settings: CaSettings
    authority: Authority
    store: Store
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process has issued or revoked one."""

    async def renew(self, request: str, certificate: str, signature: bytes) -> StationCertificate:
        """The next certificate of a station that proves that it has the key of its present one.

        Raises:
            Refusal: UNAUTHENTICATED: it does not, or that one is not ours, revoked or over. INVALID_ARGUMENT.
        """
        present = await self._present(certificate)
        if present is None or not _is_signed_by(certificate, _der(request), signature):
            metrics.counter("cloud_security_events_total").labels("invalid_certificate").inc()
            _log.warning("renewal_refused", station=present.station if present else "")
            raise Refusal(Why.UNAUTHENTICATED, _UNPROVEN)
        if _public(request) == _public_of(certificate):
            raise Refusal(Why.INVALID_ARGUMENT, "A new certificate needs a new key.")
        issued = self.sign(present.station, request)
        await self.record(issued)
        return issued

    async def revoke(self, station: StationId, reason: str) -> int:
        """Revoke every certificate of a station; returns how many."""
        async with self.store.write() as writing:
            count = await certificates.revoke(writing.connection, station, reason, writing.now)
        self.changed.set()
        _log.warning("station_revoked", station=station, certificates=count)
        return count

    async def _present(self, pem: str) -> StationCertificate | None:
        """The certificate as we have issued it. None: we have not, or it is no longer good."""
        try:
            serial = f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:x}"
        except ValueError:
            return None
        async with self.store.database.read() as connection:
            found = await certificates.load(connection, serial)
        same = found is not None and found.pem.strip() == pem.strip()
        return found if same and found is not None and found.is_valid(self.store.clock.utc()) else None

    def sign(self, station: StationId, request: str) -> StationCertificate:
        """A certificate of `station`, which counts once it is recorded.

        Raises:
            Refusal: INVALID_ARGUMENT: the request cannot be signed.
        """
        try:
            asked = read_request(request)
            made = sign_client(
                self.authority, asked, station, organisation=self.settings.organisation, days=self.settings.days
            )
        except RemoteError as error:
            raise Refusal(Why.INVALID_ARGUMENT, f"The certificate request was refused: {error}.") from error
        return StationCertificate(
            serial=f"{made.serial_number:x}",
            station=station,
            not_before=made.not_valid_before_utc,
            not_after=made.not_valid_after_utc,
            pem=made.public_bytes(serialization.Encoding.PEM).decode(),
        )

    async def record(self, issued: StationCertificate) -> None:
        """Let a certificate count."""
        async with self.store.write() as writing:
            await certificates.add(writing.connection, issued)
        self.changed.set()
        not_after = issued.not_after.isoformat()
        _log.info("certificate_issued", station=issued.station, serial=issued.serial, not_after=not_after)


def _der(request: str) -> bytes:
    try:
        return read_request(request).public_bytes(serialization.Encoding.DER)
    except RemoteError as error:
        raise Refusal(Why.INVALID_ARGUMENT, f"The certificate request was refused: {error}.") from error


def _is_signed_by(certificate: str, content: bytes, signature: bytes) -> bool:
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _public(request: str) -> bytes:
    return _encoded(read_request(request).public_key())


def _public_of(certificate: str) -> bytes:
    return _encoded(x509.load_pem_x509_certificate(certificate.encode()).public_key())


def _encoded(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
