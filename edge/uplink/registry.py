"""The cloud's service for station identities, as JSON over HTTPS; blocking, with bounds on time and size."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edge.uplink.identity import Issued, Pair
from powerctl.core.errors import ConfigError, RemoteError

TIMEOUT_S: Final = 20.0
LARGEST_ANSWER: Final = 64 * 1024
_SERVICE: Final = "/powerctl.v1.StationIdentityService"


@dataclass(frozen=True, slots=True)
class Registry:
    """Where stations enrol and renew.

    Args:
        url: `https://HOST[:PORT]`; plain http only on loopback.
        ca: Whom its certificate must chain to. None: the system's authorities.
    """

    url: str
    ca: Path | None

    def enrol(self, token: str, asked: x509.CertificateSigningRequest) -> Issued:
        """The first certificate. Raises RemoteError: there is none."""
        return self._certificate("EnrolStation", {"token": token, "certificateRequest": _pem(asked)})

    def renew(self, present: Pair, asked: x509.CertificateSigningRequest) -> Issued:
        """The next certificate. Raises RemoteError: there is none."""
        fields = {
            "certificateRequest": _pem(asked),
            "certificate": present.certificate.public_bytes(serialization.Encoding.PEM).decode(),
            "signature": base64.b64encode(present.proof(asked)).decode(),
        }
        return self._certificate("RenewStationCertificate", fields)

    def _certificate(self, method: str, fields: dict[str, str]) -> Issued:
        connection = self._connection()
        try:
            body = json.dumps(fields)
            connection.request("POST", f"{_SERVICE}/{method}", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read(LARGEST_ANSWER))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RemoteError(f"{self.url} does not answer: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise RemoteError(str(answer.get("message", response.status)) if isinstance(answer, dict) else "refused")
        found = answer if isinstance(answer, dict) else {}
        return Issued(str(found.get("certificate", "")), str(found.get("permitKey", "")))

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
        try:
            context = ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        except OSError as error:
            raise ConfigError("uplink.identity.ca", f"cannot be used: {error}.", "Name a PEM file.") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT_S, context=context)


def _pem(asked: x509.CertificateSigningRequest) -> str:
    return asked.public_bytes(serialization.Encoding.PEM).decode()
