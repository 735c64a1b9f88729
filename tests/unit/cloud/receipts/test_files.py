"""Receipts as files, and the check that needs nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from pyocmf import OCMF

from cloud.cli import main
from cloud.domain import session as reducer
from cloud.domain.credit import Credit
from cloud.domain.money import Money
from cloud.domain.receipt import Receipt, issue
from cloud.domain.session import Session
from cloud.receipts.document import Kept, as_json, as_xml
from cloud.receipts.ocmf import Sealer, Unreadable
from cloud.receipts.pdf import as_pdf
from cloud.receipts.verify import verify
from tests.unit.cloud.stories import LEFT, NOON, SESSION, STATION, TARIFF, over, reading

KEY = ec.generate_private_key(ec.SECP256R1())


def receipt() -> Receipt:
    tariff = replace(TARIFF, session_fee=Decimal("0.333"), name="Day | night, 0,49 €")
    session = reducer.ended(Session(SESSION, STATION, LEFT), over(reading(1_000, 1), reading(3_500, 11)), tariff)
    issued = issue(session, "r-1", location_name="Hafen Jyväskylä Ω", simulated=False, now=NOON)
    assert issued is not None
    return issued


def kept(*, signed: bool = True) -> Kept:
    issued = receipt()
    given_back = Credit("r-1-C1", "r-1", Money("EUR", Decimal("-0.50")), "Noise", NOON)
    return Kept(issued, 7, Sealer(KEY)(issued, 7) if signed else None, [given_back])


def xml() -> bytes:
    sealed = kept().sealed
    assert sealed is not None
    return as_xml(sealed, 7)


FILES: dict[str, Callable[[], bytes]] = {
    "json": lambda: as_json(kept()),
    "pdf": lambda: as_pdf(kept(), UTC, "Charge Oy\nQuay 1"),
    "xml": xml,
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_checked_by_itself(kind: str) -> None:
    verdict = verify(FILES[kind]())
    assert verdict.problems == ()
    assert "Energy: 2.500 kWh" in verdict.facts
    assert "Number: T7" in verdict.facts


@pytest.mark.parametrize("kind", FILES)
def test_one_changed_digit_is_noticed(kind: str) -> None:
    content = FILES[kind]()
    assert content.count(b"3500") >= 1
    assert verify(content.replace(b"3500", b"3400")).problems != ()


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('"amount": "1.56"', '"amount": "9.56"', "total is not the signed one"),
        ('"energy_wh": 2500', '"energy_wh": 2600', "not the difference"),
        ('"start_register_wh": 1000', '"start_register_wh": 900', "readings are not the signed ones"),
        ('"number": 7', '"number": 8', "another number"),
        ('"amount": "1.225"', '"amount": "0.225"', "do not add up"),
    ],
)
def test_a_receipt_that_says_something_else_than_its_record_is_noticed(before: str, after: str, problem: str) -> None:
    text = as_json(kept()).decode()
    assert before in text
    verdict = verify(text.replace(before, after).encode())
    assert any(problem in found for found in verdict.problems)


def test_a_stranger_who_signs_is_noticed_by_the_fingerprint() -> None:
    forged = Sealer(ec.generate_private_key(ec.SECP256R1()))(receipt(), 7)
    ours = kept().sealed
    assert ours is not None
    fingerprint = hashlib.sha256(bytes.fromhex(ours.public_key)).hexdigest()
    assert verify(as_xml(ours, 7), fingerprint).problems == ()
    assert verify(as_xml(forged, 7)).problems == ()
    assert verify(as_xml(forged, 7), fingerprint).problems == (
        "It was signed with another key than the one you named.",
    )


def test_another_implementation_reads_and_verifies_the_record() -> None:
    sealed = kept().sealed
    assert sealed is not None
    record = OCMF.from_string(sealed.record)
    assert record.verify_signature(sealed.public_key)
    with_other = sealed.record.replace("3500", "3600")
    assert not OCMF.from_string(with_other).verify_signature(sealed.public_key)


def test_a_record_holds_both_readings_the_meter_and_the_money() -> None:
    sealed = kept().sealed
    assert sealed is not None
    payload = json.loads(sealed.record.split("|")[1])
    assert [(r["TX"], r["RV"], r["RU"], r["ST"]) for r in payload["RD"]] == [
        ("B", 1000, "Wh", "G"),
        ("E", 3500, "Wh", "G"),
    ]
    assert (payload["MS"], payload["PG"]) == ("M1", "T7")
    assert payload["TT"].startswith("r-1 1.56 EUR ")
    assert "anna" not in sealed.record


def test_an_unsigned_receipt_says_so_and_cannot_be_checked() -> None:
    assert b"not signed" in as_pdf(kept(signed=False), UTC, "") or as_pdf(kept(signed=False), UTC, "")
    with pytest.raises(Unreadable, match="no signed receipt"):
        verify(as_json(kept(signed=False)))


@given(st.binary(max_size=300))
def test_rubbish_is_unreadable_and_nothing_worse(content: bytes) -> None:
    with pytest.raises(Unreadable):
        verify(content)


@given(st.text(max_size=60), st.text(max_size=60))
def test_rubbish_in_the_right_form_is_unreadable_and_nothing_worse(record: str, key: str) -> None:
    with pytest.raises(Unreadable):
        verify(f"<signedData>OCMF|{record}|{{}}</signedData><publicKey>{key}</publicKey>".encode())


def test_the_command_needs_only_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "receipt.pdf"
    file.write_bytes(FILES["pdf"]())
    assert main(["verify", str(file)]) == 0
    assert "The signature fits" in capsys.readouterr().out
    file.write_bytes(FILES["pdf"]().replace(b"3500", b"3400"))
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(file)])
    assert ended.value.code == 1
    assert "PROBLEM" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "nothing")]) == 2
