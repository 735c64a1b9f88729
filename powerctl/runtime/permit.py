"""The cloud's signed word that a start of charging is its own: a JSON Web Token (RFC 7519) with ES256 (RFC 7518, 3.4).

It is bound to one command, station, session and connector, and it ends. A station carries a command out at most once,
and makes a new session id at each plug-in: so a permit that is shown again, whenever and by whomever, starts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.order import StartCharging, StationCommand
from powerctl.wire.ids import connector_from_wire, id_from_wire, session_from_wire

_ALGORITHM: Final = "ES256"
_ISSUER: Final = "powerctl-cloud"
_AUDIENCE: Final = "charge"
"""Tells a permit from every other token that the same key signs."""
_END: Final = b"-----END PUBLIC KEY-----"


@dataclass(frozen=True, slots=True)
class Permit:
    """What was signed."""

    command_id: str
    station: StationId
    session: SessionId
    connector: ConnectorId
    expire_time: datetime
    """Whole seconds, not before the command's own; the permit counts before, not at this instant."""


def permit_of(station: StationId, command: StationCommand, start: StartCharging) -> Permit:
    """The permit that `command`, which is `start`, needs at `station`."""
    end = datetime.fromtimestamp(math.ceil(command.expire_time.timestamp()), UTC)
    return Permit(command.command_id, station, start.session, start.connector, end)


def permit_to_wire(permit: Permit, key: ec.EllipticCurvePrivateKey) -> str:
    """`permit`, signed."""
    claims: dict[str, object] = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": permit.station,
        "jti": permit.command_id,
        "sid": permit.session,
        "connector": permit.connector,
        "exp": int(permit.expire_time.timestamp()),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def permit_from_wire(token: str, keys: Sequence[ec.EllipticCurvePublicKey]) -> Permit:
    """The permit in `token`; whether it fits and has not ended is the caller's to judge.

    Raises:
        RemoteError: None of `keys` has signed it as a permit, or a claim is not acceptable.
    """
    claims = next((found for key in keys if (found := _claims(token, key)) is not None), None)
    if claims is None:
        raise RemoteError("permit: not signed as such by a key that is known")
    connector, end = claims["connector"], claims["exp"]
    if type(connector) is not int or type(end) is not int:
        raise RemoteError("permit: connector and end must be whole numbers")
    try:
        expire_time = datetime.fromtimestamp(end, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise RemoteError("permit: an end out of range") from error
    return Permit(
        id_from_wire(str(claims["jti"]), "permit: command id"),
        StationId(str(claims["sub"])),
        session_from_wire(str(claims["sid"])),
        connector_from_wire(connector),
        expire_time,
    )


def permit_keys_from_wire(pem: bytes) -> list[ec.EllipticCurvePublicKey]:
    """The public keys in PEM, at least one.

    Raises:
        RemoteError: There is none, or one that is not on P-256.
    """
    parts = [part + _END for part in pem.split(_END)[:-1]]
    try:
        keys = [serialization.load_pem_public_key(part.strip()) for part in parts]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RemoteError("not a public key in PEM") from error
    found = [key for key in keys if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)]
    if not found or len(found) < len(keys):
        raise RemoteError("no public key on P-256 in PEM")
    return found


def permit_key_to_wire(key: ec.EllipticCurvePublicKey) -> str:
    """A public key as PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def _claims(token: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any] | None:
    """What `key` has signed as a permit. None: nothing."""
    # The end is judged on the station's own clock.
    options: Any = {"require": ["sub", "jti", "sid", "connector", "exp"], "verify_exp": False, "verify_iat": False}
    try:
        return jwt.decode(token, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, issuer=_ISSUER, options=options)
    except (jwt.InvalidTokenError, ValueError):
        return None
