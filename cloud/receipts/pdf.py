"""A receipt for people: one page, with the JSON document and its signed record inside."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from cloud.domain.money import Money, payable
from cloud.receipts.document import Kept, as_json

_FONT: Final = "Helvetica"
_LEFT_MM: Final = 110


def as_pdf(kept: Kept, zone: tzinfo, issuer: str) -> bytes:
    """The page.

    Args:
        kept: The receipt.
        zone: In which times are told.
        issuer: Name and address of who sells, one line each.
    """
    receipt = kept.receipt
    page = FPDF(format="A4")
    page.set_creation_date(receipt.issue_time)
    page.set_title(f"Receipt {kept.number or receipt.id}")
    page.set_creator("powerctl")
    page.add_page()
    _text(page, f"Receipt {kept.number or ''}".strip(), size=20, bold=True)
    for address in issuer.splitlines():
        _text(page, address)
    if receipt.simulated:
        _text(page, "SIMULATED STATION: NOTHING WAS SOLD", bold=True)
    page.ln(4)
    for name, value in _facts(kept, zone):
        _row(page, name, value)
    page.ln(4)
    for line in receipt.lines:
        quantity = f"{line.quantity:f} {line.unit} x {_four(line.unit_price)}"
        _row(page, f"{line.description}: {quantity}", _four(line.amount))
    _row(page, "Total, tax included", _amount(receipt.total), bold=True)
    if receipt.net is not None:
        tax = Money(receipt.total.currency, receipt.total.amount - receipt.net.amount)
        _row(page, "of this tax", _amount(tax))
    for credit in kept.credits:
        _row(page, f"Given back: {credit.reason}", _amount(credit.total))
    _signature(page, kept)
    # Not compressed, so that the file can be checked without a reader for this format.
    page.embed_file(bytes=as_json(kept), basename="receipt.json", mime_type="application/json", compress=False)
    return bytes(page.output())


def _facts(kept: Kept, zone: tzinfo) -> list[tuple[str, str]]:
    receipt = kept.receipt
    return [
        ("Issued", _time(receipt.issue_time, zone)),
        ("Station", f"{receipt.location_name}, connector {receipt.connector}"),
        ("Charging began", _time(receipt.start_time, zone)),
        ("Charging ended", _time(receipt.end_time, zone)),
        (f"Meter {receipt.meter_serial} at the beginning", f"{receipt.start_register_wh / 1000:.3f} kWh"),
        (f"Meter {receipt.meter_serial} at the end", f"{receipt.end_register_wh / 1000:.3f} kWh"),
        ("Energy", f"{receipt.energy_wh / 1000:.3f} kWh"),
        ("Tariff", receipt.tariff.name),
        ("Reference", receipt.id),
    ]


def _signature(page: FPDF, kept: Kept) -> None:
    page.ln(6)
    if kept.sealed is None:
        _text(page, "This receipt is not signed.", size=8)
        return
    _text(page, "This file holds the signed meter readings (OCMF). Check it with: powerctl-cloud verify FILE", size=8)
    page.set_font("Courier", size=6)
    page.multi_cell(0, 3, _latin(kept.sealed.record))


def _text(page: FPDF, text: str, *, size: int = 10, bold: bool = False) -> None:
    page.set_font(_FONT, style="B" if bold else "", size=size)
    page.cell(0, size * 0.6, _latin(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _row(page: FPDF, name: str, value: str, *, bold: bool = False) -> None:
    page.set_font(_FONT, style="B" if bold else "", size=10)
    page.cell(_LEFT_MM, 6, _latin(name))
    page.cell(0, 6, _latin(value), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _four(value: Money) -> str:
    return f"{value.amount:.4f} {value.currency}"


def _amount(value: Money) -> str:
    return f"{payable(value).amount:f} {value.currency}"


def _time(instant: datetime, zone: tzinfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def _latin(text: str) -> str:
    """`text` in what the built-in fonts have; other letters become question marks."""
    return text.encode("latin-1", "replace").decode("latin-1")
