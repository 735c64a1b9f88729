"""Signed tokens: a sign-in token is exchanged once, an access token lives for minutes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloud.api.call import Access
from cloud.api.secrets import Sealer
from cloud.domain.principal import Principal, Role
from cloud.domain.refusal import Refusal, Why
from powerctl.core.clock import Clock
from powerctl.core.errors import ConfigError
from powerctl.core.ids import StationId
from powerctl.core.order import StartCharging, StationCommand
from powerctl.runtime.permit import permit_key_to_wire, permit_of, permit_to_wire

ACCESS_LIFE: Final = timedelta(minutes=15)
RENEW_AFTER: Final = timedelta(minutes=5)
"""An access token older than this is renewed when it is used from the web port."""
SIGN_IN_LIFE: Final = timedelta(hours=1)
SESSION_LIFE: Final = timedelta(hours=12)
"""After this a person signs in again, however active."""

_ALGORITHM: Final = "ES256"
_ISSUER: Final = "powerctl-cloud"
_SIGN_IN: Final = "sign-in"
_ACCESS: Final = "access"
_REFRESH: Final = "refresh"
_ENROL: Final = "enrol"
_ANCHOR: Final = "audit"
ENROLMENT_LIFE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a sign-in token says."""

    id: str
    principal: Principal
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh token says."""

    id: str
    principal: Principal
    session: str
    sign_in_time: datetime
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an enrolment token says."""

    id: str
    station: StationId
    expire_time: datetime


class Tokens:
    """Makes and reads tokens with one P-256 key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, clock: Clock) -> None:
        self._key = key
        self._public = key.public_key()
        self._clock = clock
        self.sealer = Sealer(_derived(key, b"powerctl sealed columns"))
        """Keeps what the database must not show; whoever has the signing key can open it."""

    def sign_in(self, principal: Principal, token_id: str, life: timedelta = SIGN_IN_LIFE) -> str:
        """A token that signs `principal` in once."""
        now = self._clock.utc()
        return self._sign(principal, _SIGN_IN, now, now + life, jti=token_id)

    def read_sign_in(self, token: str) -> SignIn:
        """What a sign-in token says. Whether it was used before is not known here.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, or has expired.
        """
        claims = self._claims(token, _SIGN_IN, "This sign-in link has expired or is not valid. Ask for a new one.")
        return SignIn(str(claims["jti"]), _principal(claims), _instant(claims["exp"]))

    def access(self, principal: Principal, session: str, sign_in_time: datetime | None = None) -> tuple[str, Access]:
        """An access token for a sign-in, and what it says. It ends no later than the sign-in's longest life."""
        now = self._clock.utc().replace(microsecond=0)
        began = sign_in_time or now
        expire_time = min(now + ACCESS_LIFE, began + SESSION_LIFE)
        token = self._sign(principal, _ACCESS, now, expire_time, sid=session, auth_time=int(began.timestamp()))
        return token, Access(principal, session, now, expire_time, began)

    def read_access(self, token: str) -> Access:
        """What an access token says.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, or has expired.
        """
        claims = self._claims(token, _ACCESS, "Your session has ended. Sign in again.")
        return Access(
            _principal(claims),
            str(claims["sid"]),
            _instant(claims["iat"]),
            _instant(claims["exp"]),
            _instant(claims["auth_time"]),
        )

    def refresh(self, access: Access, token_id: str) -> str:
        """A refresh token for the sign-in of `access`; good once, until the sign-in's longest life is over."""
        end = access.sign_in_time + SESSION_LIFE
        began = int(access.sign_in_time.timestamp())
        claims: dict[str, str | int] = {"jti": token_id, "sid": access.session, "auth_time": began}
        return self._sign(access.principal, _REFRESH, self._clock.utc(), end, **claims)

    def read_refresh(self, token: str) -> Refresh:
        """What a refresh token says. Whether it was used before is not known here.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, or has expired.
        """
        claims = self._claims(token, _REFRESH, "Your session has ended. Sign in again.")
        return Refresh(
            str(claims["jti"]),
            _principal(claims),
            str(claims["sid"]),
            _instant(claims["auth_time"]),
            _instant(claims["exp"]),
        )

    def enrolment(self, station: StationId, token_id: str) -> tuple[str, datetime]:
        """A token with which `station` may enrol once, and when it expires."""
        now = self._clock.utc().replace(microsecond=0)
        nobody = Principal(station, "", Role.DRIVER)
        return self._sign(nobody, _ENROL, now, now + ENROLMENT_LIFE, jti=token_id), now + ENROLMENT_LIFE

    def read_enrolment(self, token: str) -> Enrolment:
        """What an enrolment token says. Whether it was used before is not known here.

        Raises:
            Refusal: UNAUTHENTICATED: it is not ours, or has expired.
        """
        claims = self._claims(token, _ENROL, "This enrolment token has expired or is not valid. Ask for a new one.")
        return Enrolment(str(claims["jti"]), StationId(str(claims["sub"])), _instant(claims["exp"]))

    def anchor(self, number: int, digest: str) -> str:
        """The end of the audit log, signed."""
        claims: dict[str, object] = {"iss": _ISSUER, "aud": _ANCHOR, "number": number, "digest": digest}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read_anchor(self, token: str, number: int) -> str | None:
        """The digest that was signed as that of entry `number`. None: it was not by us, or for another entry."""
        try:
            claims = jwt.decode(token, self._public, algorithms=[_ALGORITHM], audience=_ANCHOR, issuer=_ISSUER)
        except (jwt.InvalidTokenError, ValueError):
            return None
        return str(claims.get("digest")) if claims.get("number") == number else None

    def permitted(self, station: StationId, command: StationCommand) -> StationCommand:
        """The command with our permit in it, when it starts charging at `station`; else as it is."""
        if not isinstance(command.action, StartCharging):
            return command
        signed = permit_to_wire(permit_of(station, command, command.action), self._key)
        return replace(command, action=replace(command.action, permit=signed))

    @property
    def permit_key(self) -> str:
        """The public key by which stations know our permits, PEM."""
        return permit_key_to_wire(self._public)

    def is_due(self, access: Access) -> bool:
        """True when the token is old enough to be renewed."""
        return self._clock.utc() - access.issue_time >= RENEW_AFTER

    def _sign(self, principal: Principal, audience: str, issued: datetime, expires: datetime, **more: str | int) -> str:
        claims: dict[str, object] = {
            "iss": _ISSUER,
            "aud": audience,
            "sub": principal.user,
            "name": principal.display_name,
            "role": principal.role.value,
            "iat": int(issued.timestamp()),
            "exp": int(expires.timestamp()),
            **more,
        }
        if principal.stations:
            claims["stations"] = sorted(principal.stations)
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def _claims(self, token: str, audience: str, message: str) -> dict[str, Any]:
        required = ["sub", "name", "role", "iat", "exp", "sid" if audience == _ACCESS else "jti"]
        # Expiry is judged below on our own clock.
        options: Any = {"require": required, "verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(
                token, self._public, algorithms=[_ALGORITHM], audience=audience, issuer=_ISSUER, options=options
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Refusal(Why.UNAUTHENTICATED, message) from error
        if self._clock.utc() >= _instant(claims["exp"]) or claims["role"] not in set(Role):
            raise Refusal(Why.UNAUTHENTICATED, message)
        return claims


def load_key(path: Path, setting: str = "cloud.identity.signing_key") -> ec.EllipticCurvePrivateKey:
    """The P-256 private key in a PEM file.

    Raises:
        ConfigError: There is none.
    """
    remedy = "Make one with `powerctl-cloud keygen --out FILE`."
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(setting, f"{path} cannot be read: {error.strerror}.", remedy) from error
    except (ValueError, TypeError) as error:
        raise ConfigError(setting, f"{path} is not an unencrypted PEM private key.", remedy) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(setting, f"{path} holds no P-256 key.", remedy)
    return key


def _principal(claims: dict[str, Any]) -> Principal:
    stations = frozenset(StationId(str(one)) for one in claims.get("stations", ()))
    return Principal(str(claims["sub"]), str(claims["name"]), Role(claims["role"]), stations)


def _derived(key: ec.EllipticCurvePrivateKey, purpose: bytes) -> bytes:
    """256 bits that follow from `key`, and from which it does not."""
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
