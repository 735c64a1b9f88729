"""What a restart must know is there after the file is opened again."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.chademo.vehicles import Identity, Lesson
from edge.control.journal import Journal, Unfinished
from edge.control.transaction import OpenSession, OpenTransaction
from powerctl.core.fault import Fault
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.record import ClockStatus, MeterReading
from powerctl.core.session import StopReason

NOON = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
LEFT = ConnectorId(1)
SESSION = OpenSession(SessionId("s-1"), LEFT, NOON, 1000.25)
START = MeterReading("M1", 1000, NOON, valid=True, clock=ClockStatus.SYNCHRONISED)
TRANSACTION = OpenTransaction(SessionId("s-1"), LEFT, "c-1", START)
END = TRANSACTION.ended(
    MeterReading("M1", 2000, NOON, valid=False, clock=ClockStatus.RELATIVE),
    StopReason.VEHICLE,
    "The battery is full.",
    7,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "edge" / "control.sqlite"


def reopened(journal: Journal, path: Path) -> Journal:
    journal.close()
    return Journal(path)


def test_a_new_journal_knows_nothing(path: Path) -> None:
    journal = Journal(path)
    assert (journal.sessions(), journal.unfinished(), journal.faults(LEFT)) == ({}, [], ())


def test_an_open_session_is_found_again(path: Path) -> None:
    journal = Journal(path)
    journal.session_opened(SESSION)
    journal = reopened(journal, path)
    assert journal.sessions() == {LEFT: SESSION}
    journal.session_closed(LEFT)
    assert journal.sessions() == {}


def test_a_running_transaction_is_found_again(path: Path) -> None:
    journal = Journal(path)
    journal.transaction_began(TRANSACTION)
    assert reopened(journal, path).unfinished() == [Unfinished(TRANSACTION, None)]


def test_what_vehicles_have_shown_is_found_again(path: Path) -> None:
    journal = Journal(path)
    leaf, kit = Identity(1, 2, 435, 6), Identity(None, 1, 410, 0)
    journal.learnt(LEFT, (Lesson(leaf, 0, 351.5),))
    journal.learnt(LEFT, (Lesson(kit, 2), Lesson(leaf, 0, 351.5)))
    journal.learnt(ConnectorId(2), (Lesson(leaf, 1),))
    journal = reopened(journal, path)
    assert journal.lessons(LEFT) == (Lesson(kit, 2), Lesson(leaf, 0, 351.5))
    assert journal.lessons(ConnectorId(3)) == ()


def test_an_end_that_was_not_recorded_is_found_as_it_was(path: Path) -> None:
    journal = Journal(path)
    journal.transaction_began(TRANSACTION)
    journal.transaction_ended(END)
    journal = reopened(journal, path)
    assert journal.unfinished() == [Unfinished(TRANSACTION, END)]
    journal.transaction_recorded(LEFT)
    assert reopened(journal, path).unfinished() == []


def test_latched_faults_survive_until_released(path: Path) -> None:
    journal = Journal(path)
    fault = Fault("insulation", "The insulation is too low.", latched=True)
    journal.fault_latched(LEFT, fault)
    journal = reopened(journal, path)
    assert journal.faults(LEFT) == (fault,)
    assert journal.faults(ConnectorId(2)) == ()
    journal.fault_released(LEFT, "insulation")
    assert journal.faults(LEFT) == ()


def test_a_journal_from_before_the_clocks_letter_is_completed(path: Path) -> None:
    path.parent.mkdir(parents=True)
    old = sqlite3.connect(path)
    columns = "serial TEXT NOT NULL, register_wh INTEGER NOT NULL, read_time TEXT NOT NULL, valid INTEGER NOT NULL"
    old.execute(f"CREATE TABLE started (connector INTEGER PRIMARY KEY, session TEXT, command_id TEXT, {columns})")
    old.execute("INSERT INTO started VALUES (1, 's-1', 'c-1', 'M1', 1000, ?, 1)", (NOON.isoformat(),))
    old.commit()
    old.close()
    (found,) = Journal(path).unfinished()
    assert found.transaction.start == replace(START, clock=ClockStatus.UNKNOWN)
