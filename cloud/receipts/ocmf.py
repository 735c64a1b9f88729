"""Signed records of transactions: the Open Charge Metering Format, version 1.4.

The signature is ours and shows that nothing was changed since; it is not that of a certified meter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.domain.receipt import Receipt
from powerctl.core.errors import PowerctlError
from powerctl.core.record import ClockStatus

ALGORITHM: Final = "ECDSA-secp256r1-SHA256"
_REGISTER: Final = "01-00:B2.08.00*FF"
"""OBIS code of the energy of a transaction that was taken from the grid (OCMF 1.4, table of registers)."""
_LONGEST_TEXT: Final = 250


class Unreadable(PowerctlError):
    """A file does not hold what it should."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed record, and the key that it can be checked with."""

    record: str
    """`OCMF|payload|signature`."""
    public_key: str
    """SubjectPublicKeyInfo, DER, hexadecimal."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Signs records."""

    key: ec.EllipticCurvePrivateKey

    def __call__(self, receipt: Receipt, number: int) -> Sealed:
        """The signed record of a receipt."""
        plain = payload(receipt, number)
        signature = self.key.sign(plain.encode(), ec.ECDSA(hashes.SHA256()))
        tail = json.dumps({"SA": ALGORITHM, "SD": signature.hex()}, separators=(",", ":"))
        public = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return Sealed(f"OCMF|{plain}|{tail}", public.hex())


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading in a record."""

    kind: str
    """`B` at the begin, `E` at the end."""
    time: str
    register_wh: int
    state: str
    """`G`: good."""
    errors: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a record says."""

    number: str
    meter_serial: str
    text: str
    readings: tuple[Reading, ...]


def payload(receipt: Receipt, number: int) -> str:
    """The record's text; it is signed as it stands and must not be formatted again."""
    document = {
        "FV": "1.4",
        "GI": "powerctl",
        "GS": receipt.station,
        "PG": f"T{number}",
        "MS": receipt.meter_serial,
        "IS": False,
        "IF": [],
        "IT": "NONE",
        "TT": tariff_text(receipt),
        "CT": "EVSEID",
        "CI": f"{receipt.station}*{receipt.connector}",
        "RD": [
            _reading("B", receipt.start_time, receipt.start_clock, receipt.start_register_wh),
            _reading("E", receipt.end_time, receipt.end_clock, receipt.end_register_wh),
        ],
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True).replace("|", "\\u007c")


def tariff_text(receipt: Receipt) -> str:
    """What binds the money to the readings: receipt, total and tariff in one line."""
    total = receipt.total
    return f"{receipt.id} {total.amount} {total.currency} {receipt.tariff.name}"[:_LONGEST_TEXT]


def read(record: str) -> Transaction:
    """What a record says; its signature is not looked at.

    Raises:
        Unreadable: It is no record.
    """
    document, _ = _parts(record)
    try:
        fields = json.loads(document)
        readings = tuple(
            Reading(r["TX"], r["TM"], int(r["RV"] * _PER[r["RU"]]), r["ST"], r.get("EF", "")) for r in fields["RD"]
        )
        return Transaction(fields["PG"], fields["MS"], fields.get("TT", ""), readings)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"the signed record is not as OCMF describes it ({error}).") from error


_PER: Final = {"Wh": 1, "kWh": 1000}


def genuine(sealed: Sealed) -> bool:
    """True when the signature fits the record and the key.

    Raises:
        Unreadable: Something is not in the form that it should have.
    """
    document, tail = _parts(sealed.record)
    try:
        fields = json.loads(tail)
        key = serialization.load_der_public_key(bytes.fromhex(sealed.public_key))
        signature = bytes.fromhex(fields["SD"])
        algorithm = fields.get("SA", ALGORITHM)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"signature or public key cannot be read ({error}).") from error
    if algorithm != ALGORITHM or not isinstance(key, ec.EllipticCurvePublicKey):
        raise Unreadable(f"signed with {algorithm}, which is not known here.")
    try:
        key.verify(signature, document.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _parts(record: str) -> tuple[str, str]:
    parts = record.strip().split("|")
    if len(parts) != 3 or parts[0] != "OCMF":
        raise Unreadable("there is no signed record in it.")
    return parts[1], parts[2]


def _reading(kind: str, time: datetime, clock: ClockStatus, register_wh: int) -> dict[str, Any]:
    stamp = f"{time:%Y-%m-%dT%H:%M:%S},{time.microsecond // 1000:03}{time:%z} {clock}"
    return {"TM": stamp, "TX": kind, "RV": register_wh, "RI": _REGISTER, "RU": "Wh", "RT": "DC", "EF": "", "ST": "G"}
