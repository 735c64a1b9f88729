"""Checks a receipt with nothing but its file: signature, readings, and that the money follows from them."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cloud.domain.money import Money, payable
from cloud.receipts.document import FORMAT
from cloud.receipts.ocmf import Sealed, Transaction, Unreadable, genuine, read

LARGEST: Final = 4 * 1024 * 1024
_XML: Final = re.compile(r"<signedData[^>]*>(.*?)</signedData>.*?<publicKey[^>]*>(.*?)</publicKey>", re.DOTALL)
_EMBEDDED: Final = re.compile(rb'stream\r?\n(\{\s*"format": "' + FORMAT.encode() + rb'".*?\})\s*endstream', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the file says, and what is wrong with it."""

    facts: tuple[str, ...]
    problems: tuple[str, ...]
    """Empty: nothing."""


def verify(content: bytes, key_fingerprint: str = "") -> Verdict:
    """Check a receipt: JSON, PDF, or XML with a signed record.

    Args:
        content: The file.
        key_fingerprint: SHA-256 of the public key that must have signed, hexadecimal. Empty: any key; then only
            whoever compares the fingerprint knows who signed.

    Raises:
        Unreadable: It is none of these.
    """
    document, sealed = _opened(content)
    transaction = read(sealed.record)
    fingerprint = hashlib.sha256(bytes.fromhex(sealed.public_key)).hexdigest()
    problems = [] if genuine(sealed) else ["The signature does not fit: the record or the key was changed."]
    if key_fingerprint and key_fingerprint.lower().replace(":", "") != fingerprint:
        problems.append("It was signed with another key than the one you named.")
    problems += _readings(transaction)
    if document is not None:
        try:
            problems += _agrees(document, transaction)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise Unreadable(f"the receipt is not complete ({error}).") from error
    return Verdict(tuple(_facts(transaction, fingerprint)), tuple(problems))


def _opened(content: bytes) -> tuple[dict[str, Any] | None, Sealed]:
    if len(content) > LARGEST:
        raise Unreadable("it is too large for a receipt.")
    if embedded := _EMBEDDED.search(content):
        content = embedded.group(1)
    text = content.decode("utf-8", "replace")
    if found := _XML.search(text):
        return None, Sealed(html.unescape(found.group(1)).strip(), _hexadecimal(found.group(2)))
    try:
        document = json.loads(text)
        signed = document["signed_data"]
        sealed = Sealed(signed["signed_values"][0]["signed_data"], _hexadecimal(signed["public_key"]))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Unreadable("it holds no signed receipt.") from error
    return document, sealed


def _hexadecimal(text: str) -> str:
    try:
        return bytes.fromhex(text.strip()).hex()
    except ValueError as error:
        raise Unreadable("the public key cannot be read.") from error


def _readings(transaction: Transaction) -> Iterator[str]:
    """What would keep the readings from being billed (OCMF 1.4: begin first, end last, no error, state good)."""
    kinds = [reading.kind for reading in transaction.readings]
    if len(kinds) < 2 or kinds[0] != "B" or kinds[-1] not in "ELRAP":
        yield "The record does not begin and end with the transaction's readings."
        return
    if any(reading.state != "G" or reading.errors for reading in transaction.readings):
        yield "A reading is marked as not good."
    registers = [reading.register_wh for reading in transaction.readings]
    if registers != sorted(registers):
        yield "The meter's register fell."
    if not transaction.meter_serial:
        yield "The record names no meter."


def _agrees(document: dict[str, Any], transaction: Transaction) -> Iterator[str]:
    """Where the receipt says something else than the signed record, or than its own lines."""
    first, last = transaction.readings[0].register_wh, transaction.readings[-1].register_wh
    if (document["start_register_wh"], document["end_register_wh"]) != (first, last):
        yield "The receipt's readings are not the signed ones."
    if document["energy_wh"] != last - first:
        yield "The receipt's energy is not the difference of the signed readings."
    if document["meter_id"] != transaction.meter_serial or transaction.number != f"T{document['number']}":
        yield "The receipt names another meter or another number than the signed record."
    total = document["total"]
    if not transaction.text.startswith(f"{document['id']} {total['amount']} {total['currency']} "):
        yield "The receipt's total is not the signed one."
    lines = sum((Decimal(line["amount"]) for line in document["lines"]), Decimal(0))
    if payable(Money(total["currency"], lines)).amount != Decimal(total["amount"]):
        yield "The receipt's lines do not add up to its total."


def _facts(transaction: Transaction, fingerprint: str) -> Iterator[str]:
    yield f"Number: {transaction.number}"
    yield f"Meter: {transaction.meter_serial}"
    for reading in transaction.readings:
        yield f"Reading {reading.kind}: {reading.register_wh} Wh at {reading.time}"
    if transaction.readings:
        energy = transaction.readings[-1].register_wh - transaction.readings[0].register_wh
        yield f"Energy: {energy / 1000:.3f} kWh"
    yield f"Text: {transaction.text}"
    yield f"Key: sha256 {fingerprint}"
