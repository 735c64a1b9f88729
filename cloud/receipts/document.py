"""A receipt as a JSON document and as the XML that transparency software reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from cloud.domain.credit import Credit
from cloud.domain.money import Money
from cloud.domain.receipt import Receipt
from cloud.receipts.ocmf import Sealed

FORMAT: Final = "powerctl-receipt/1"


@dataclass(frozen=True, slots=True)
class Kept:
    """A receipt and what is kept beside it."""

    receipt: Receipt
    number: int
    """Without gaps; 0: not numbered."""
    sealed: Sealed | None
    """None: there was no key to sign with."""
    credits: Sequence[Credit] = ()
    meter_records: Sequence[str] = ()
    """What the meter itself has signed for this session, as it gave it: OCMF. Empty: it signs nothing."""


def as_json(kept: Kept) -> bytes:
    """The document; its first key names its format."""
    return json.dumps(_document(kept), indent=1, ensure_ascii=False).encode()


def as_xml(sealed: Sealed, number: int) -> bytes:
    """The record and its key, for transparency software."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<values><value transactionId="{number}" context="Transaction">'
        f'<signedData format="OCMF" encoding="plain">{escape(sealed.record)}</signedData>'
        f'<publicKey encoding="hex">{sealed.public_key}</publicKey></value></values>\n'
    ).encode()


def _document(kept: Kept) -> dict[str, Any]:
    receipt = kept.receipt
    document: dict[str, Any] = {
        "format": FORMAT,
        "id": receipt.id,
        "number": kept.number,
        "session_id": receipt.session,
        "issued": _time(receipt.issue_time),
        "location": receipt.location_name,
        "connector": f"{receipt.station}*{receipt.connector}",
        "start_date_time": _time(receipt.start_time),
        "end_date_time": _time(receipt.end_time),
        "meter_id": receipt.meter_serial,
        "start_register_wh": receipt.start_register_wh,
        "end_register_wh": receipt.end_register_wh,
        "energy_wh": receipt.energy_wh,
        "idle_s": receipt.idle_s,
        "stop_reason": receipt.stop_reason.value,
        "tariff": receipt.tariff.name,
        "rounding": receipt.rounding,
        "lines": [
            {
                "description": line.description,
                "quantity": f"{line.quantity:f}",
                "unit": line.unit,
                "unit_price": f"{line.unit_price.amount:f}",
                "amount": f"{line.amount.amount:f}",
            }
            for line in receipt.lines
        ],
        "total": _money(receipt.total),
        "simulated": receipt.simulated,
        "credits": [
            {"id": one.id, "total": _money(one.total), "reason": one.reason, "issued": _time(one.issue_time)}
            for one in kept.credits
        ],
    }
    if receipt.net is not None:
        document["net"] = _money(receipt.net)
    if kept.sealed is not None:
        document["signed_data"] = {
            "encoding_method": "OCMF",
            "public_key": kept.sealed.public_key,
            "signed_values": [{"nature": "Transaction", "signed_data": kept.sealed.record}],
        }
    if kept.meter_records:
        document["meter_signed_data"] = {
            "encoding_method": "OCMF",
            "signed_values": [{"nature": "Transaction", "signed_data": record} for record in kept.meter_records],
        }
    return document


def _money(value: Money) -> dict[str, str]:
    return {"currency": value.currency, "amount": f"{value.amount:f}"}


def _time(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
