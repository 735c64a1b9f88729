"""A meter's signed record reaches the outbox as the meter gave it, also after a crash in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.control.signed import TOLD, SignedRecords, session_of, transaction_name
from powerctl.core.ids import SessionId
from powerctl.core.record import SignedMeterRecord
from powerctl.wire.signed import MOST_SIGNED
from tests.unit.edge.can.waiting import until

SESSION = SessionId("4f6c0d5e-9a51-4a5c-8a6e-0c2f3b1f7d11")
NAME = transaction_name(SESSION, datetime(2026, 5, 1, 12, 30, 1, tzinfo=UTC))
CONTENT = b'OCMF|{"FV":"1.0","caf\xc3\xa9":1}|{"SD":"3045"}'


class Outbox:
    """Takes records, durably when told."""

    def __init__(self) -> None:
        self.taken: list[SignedMeterRecord] = []
        self.open: list[asyncio.Future[None]] = []

    def __call__(self, body: SignedMeterRecord) -> asyncio.Future[None]:
        self.taken.append(body)
        self.open.append(asyncio.get_running_loop().create_future())
        return self.open[-1]


def a_record(folder: Path, content: bytes = CONTENT) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{NAME}.ocmf"
    path.write_bytes(content)
    return path


async def test_a_record_is_put_away_when_the_outbox_has_it_and_not_before(tmp_path: Path) -> None:
    outbox, path = Outbox(), a_record(tmp_path / "ocmf")
    records = SignedRecords(tmp_path / "ocmf", outbox)
    await asyncio.to_thread(records.signed, NAME, CONTENT)
    await until(lambda: bool(outbox.taken))
    assert outbox.taken == [SignedMeterRecord(SESSION, NAME, CONTENT)]
    assert path.exists()
    outbox.open[0].set_result(None)
    await until(lambda: (tmp_path / "ocmf" / TOLD / path.name).exists())
    assert (tmp_path / "ocmf" / TOLD / path.name).read_bytes() == CONTENT
    SignedRecords(tmp_path / "ocmf", outbox).recall()
    assert len(outbox.taken) == 1


async def test_what_a_crash_has_left_is_told_at_the_next_start(tmp_path: Path) -> None:
    outbox = Outbox()
    a_record(tmp_path / "ocmf")
    SignedRecords(tmp_path / "ocmf", outbox).recall()
    assert [body.content for body in outbox.taken] == [CONTENT]
    SignedRecords(tmp_path / "nothing", outbox).recall()
    assert len(outbox.taken) == 1


async def test_what_fits_into_no_batch_stays_on_the_station(tmp_path: Path) -> None:
    outbox, path = Outbox(), a_record(tmp_path / "ocmf", bytes(MOST_SIGNED + 1))
    SignedRecords(tmp_path / "ocmf", outbox).recall()
    assert outbox.taken == []
    assert path.exists()


@pytest.mark.parametrize("session", [SESSION, SessionId("s")])
def test_a_transactions_name_leads_back_to_its_session(session: SessionId) -> None:
    assert session_of(transaction_name(session, datetime(2026, 5, 1, tzinfo=UTC))) == session
