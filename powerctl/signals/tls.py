"""The server's side of Modbus/TCP Security: TLS 1.2 or newer, both sides with a certificate, no way around it.

Source: Secure SunSpec Modbus 1.0 (suites in its order, on P-256); Modbus/TCP Security R-01, R-02, R-06, R-34.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from powerctl.core.errors import ConfigError
from powerctl.runtime import log

SUITES: Final = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-CCM8"
"""Of TLS 1.2; those of TLS 1.3 are the library's."""
SETTING: Final = "manager.grid.modbus_tls"

_log = log.get(__name__)


def server_context(
    certificate: Path, key: Path, authorities: Sequence[Path], revoked: Path | None = None
) -> ssl.SSLContext:
    """A context that lets in only peers with a certificate of one of `authorities`.

    Args:
        certificate: The station's own, with everything between it and its root.
        key: Its private key.
        authorities: PEM files of roots, one or several each.
        revoked: PEM revocation list of these roots. None: none is checked.

    Raises:
        OSError: A file cannot be read, or is not what it should be (`ssl.SSLError`).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    for authority in authorities:
        context.load_verify_locations(authority)
    if revoked is not None:
        context.load_verify_locations(revoked)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    return context


class Contexts:
    """The context for the next handshake: made anew when one of its files was replaced.

    Args:
        certificate: As for `server_context`; `key`, `authorities` and `revoked` too.

    Raises:
        ConfigError: The files are not usable at start. Later the last good context stays.
    """

    def __init__(self, certificate: Path, key: Path, authorities: Sequence[Path], revoked: Path | None = None) -> None:
        self._certificate, self._key = certificate, key
        self._authorities, self._revoked = authorities, revoked
        try:
            self._versions = self._newest()
            self._context = self._make()
        except OSError as error:
            raise ConfigError(
                SETTING,
                f"{error.filename or certificate}: {error.strerror or error}",
                "Name PEM files of a certificate, its key and its authorities; powerctl grid certificate makes them.",
            ) from error

    def __call__(self) -> ssl.SSLContext:
        """The context for a handshake that begins now."""
        versions = self._newest()
        if versions != self._versions:
            self._versions = versions
            self._renew()
        return self._context

    def _renew(self) -> None:
        try:
            self._context = self._make()
            _log.info("modbus_certificates_renewed")
        except OSError as error:
            _log.error("modbus_certificates_unusable", why=str(error))

    def _newest(self) -> tuple[int, ...]:
        files = [self._certificate, self._key, *self._authorities, *filter(None, [self._revoked])]
        return tuple(_version(file) for file in files)

    def _make(self) -> ssl.SSLContext:
        return server_context(self._certificate, self._key, self._authorities, self._revoked)


def _version(file: Path) -> int:
    """When a file was written; 0: it is not there now."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
