"""What a station keeps of its secrets, and how it is made to forget everything."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli import main
from edge.control.journal import Journal, journal_path
from edge.control.settings import check_readable
from edge.control.transaction import OpenTransaction
from edge.uplink.identity import Identity
from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId, SessionId
from powerctl.core.record import Lane, Record, SecurityEvent
from powerctl.runtime.outbox import CommandBox, Draft, Outbox
from powerctl.runtime.pki import Authority, create_ca, issue
from powerctl.runtime.settings import TlsFiles
from powerctl.wire.batch import decode_record, encode_record
from tests.checklist.crowd import Crowd
from tests.checklist.test_device_identity import api, signer, token
from tests.checklist.test_renewal import CONFIG
from tests.checklist.test_station_link import LIVE
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import NOON, reading

__all__ = ["api", "signer"]
WORDS = ("--confirm", "ST-1")


class Worn:
    """A station that was enrolled, and has charged."""

    def __init__(self, folder: Path, url: str, ca: Path) -> None:
        self.folder, self.config = folder, folder / "station.toml"
        self.config.write_text(CONFIG.format(folder=folder, url=url, ca=ca))
        self.journal = journal_path(folder)
        self.outbox_path = folder / "outbox.sqlite"

    def has_worked(self) -> None:
        """Leaves records, a command, a journal, a recording and a simulated meter."""
        outbox, mailbox = Outbox(self.outbox_path), CommandBox(self.outbox_path)
        outbox.append_all([Draft(Lane.TELEMETRY, LIVE)] * 3)
        mailbox.put("c-1", NOON, b"command")
        outbox.close()
        mailbox.close()
        Journal(self.journal).close()
        (self.folder / "edge" / "blackbox").mkdir(exist_ok=True)
        (self.folder / "edge" / "blackbox" / "one.json").write_text("{}")
        (self.folder / "edge" / "meter-1.register").write_text("1 2\n")

    def charges(self) -> None:
        """A transaction is open."""
        journal = Journal(self.journal)
        journal.transaction_began(OpenTransaction(SessionId("s-1"), ConnectorId(1), "c-1", reading(1_000, 0)))
        journal.close()

    def owes(self) -> None:
        """A record of money waits."""
        outbox = Outbox(self.outbox_path)
        outbox.append(Lane.BILLING, encode_record(Record(NOON, SecurityEvent("door_opened", "", NOON))))
        outbox.close()

    def reset(self, *words: str) -> int:
        """By the command."""
        return main(["reset", "--config", str(self.config), *words])

    def left(self) -> dict[str, bytes]:
        """Every file below its folder, by name; databases without what reading them changes."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and "sqlite-" not in path.name
        }


async def enrolled(api: Cloud, signer: Authority, folder: Path, patched: pytest.MonkeyPatch) -> Worn:
    worn = Worn(folder, api.web, signer.certificate_file)
    await enrols(api, worn, patched)
    worn.has_worked()
    return worn


async def enrols(api: Cloud, worn: Worn, patched: pytest.MonkeyPatch) -> None:
    patched.setattr("sys.stdin", io.StringIO(await token(Crowd(api)) + "\n"))
    assert await asyncio.to_thread(main, ["enrol", "--config", str(worn.config)]) == 0


async def test_row_57_a_reset_leaves_a_station_that_enrols_as_on_its_first_day(
    api: Cloud, signer: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "station"
    folder.mkdir()
    worn = await enrolled(api, signer, folder, monkeypatch)
    before = Identity(folder / "identity").load()
    assert before is not None
    epoch = _epoch(worn)
    secret = (folder / "identity" / "current" / "station.key").read_bytes()
    held = (folder / "identity" / "current" / "station.key").open("rb")
    assert await asyncio.to_thread(worn.reset, *WORDS) == 0
    assert held.read() != secret, "the key was unlinked and not overwritten"
    held.close()
    assert Identity(folder / "identity").load() is None
    assert set(worn.left()) == {"station.toml", "outbox.sqlite", "edge/meter-1.register"}
    assert not [name for name, content in worn.left().items() if secret in content]
    outbox = Outbox(worn.outbox_path)
    (told,) = outbox.pending(limit=10)
    outbox.close()
    body = decode_record(told.payload).body
    assert isinstance(body, SecurityEvent)
    assert body.code == "factory_reset"
    assert _epoch(worn) != epoch
    assert await asyncio.to_thread(main, ["uplink", "--config", str(worn.config)]) == 2
    await enrols(api, worn, monkeypatch)
    after = Identity(folder / "identity").load()
    assert after is not None
    assert after.certificate.serial_number != before.certificate.serial_number


def _epoch(worn: Worn) -> int:
    outbox = Outbox(worn.outbox_path)
    outbox.close()
    return outbox.epoch


@pytest.fixture
def worn(tmp_path: Path) -> Worn:
    made = Worn(tmp_path, "https://cloud.example", tmp_path / "ca.pem")
    made.has_worked()
    (tmp_path / "identity" / "one").mkdir(parents=True)
    (tmp_path / "identity" / "one" / "station.key").write_text("key")
    return made


@pytest.fixture
def running(worn: Worn) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as window:
        window.bind(str(worn.folder / "edge" / "monitor.sock"))
        window.listen()
        yield


def test_row_57_it_is_refused_while_a_vehicle_charges(worn: Worn, capsys: pytest.CaptureFixture[str]) -> None:
    worn.charges()
    before = worn.left()
    assert worn.reset(*WORDS) == 1
    assert "charging" in capsys.readouterr().err
    assert worn.left() == before


@pytest.mark.usefixtures("running")
def test_row_57_it_is_refused_while_the_controller_runs(worn: Worn, capsys: pytest.CaptureFixture[str]) -> None:
    assert worn.reset(*WORDS) == 1
    assert "run" in capsys.readouterr().err
    assert (worn.folder / "identity" / "one" / "station.key").read_text() == "key"


def test_row_57_records_of_money_are_lost_only_on_purpose(worn: Worn, capsys: pytest.CaptureFixture[str]) -> None:
    worn.owes()
    assert worn.reset(*WORDS) == 1
    assert "1 records of money" in capsys.readouterr().err
    assert worn.reset(*WORDS, "--lose-records") == 0


@pytest.mark.parametrize(("answer", "status"), [("ST-1\n", 0), ("yes\n", 1), ("", 1)])
def test_row_57_it_asks_for_the_stations_name(
    worn: Worn, answer: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert worn.reset() == status
    assert (worn.folder / "identity").exists() is (status == 1)


def test_row_57_a_journal_that_cannot_be_read_stops_it(worn: Worn) -> None:
    worn.journal.write_bytes(b"no database" * 100)
    assert worn.reset(*WORDS) == 2
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(worn.journal).execute("SELECT * FROM started")
    assert (worn.folder / "identity").exists()


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    return issue(create_ca(tmp_path / "pki", "test"), "ST-1", organisation="powerctl test", client=True)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_row_37_no_program_starts_with_a_key_that_others_can_read(
    tls: TlsFiles, tmp_path: Path, mode: int, capsys: pytest.CaptureFixture[str]
) -> None:
    check_readable(tls)
    tls.key.chmod(mode)
    with pytest.raises(ConfigError, match="open to other users"):
        check_readable(tls)
    config = tmp_path / "station.toml"
    text = CONFIG.format(folder=tmp_path, url="https://cloud.example", ca=tls.ca)
    config.write_text(text.replace(f"{tmp_path}/identity/current/station.key", str(tls.key)))
    assert main(["uplink", "--config", str(config)]) == 2
    assert f"{mode:04o}" in capsys.readouterr().err


def test_row_37_no_program_starts_with_the_key_of_another_user(tls: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    tls.key.chmod(0o400)
    check_readable(tls)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ConfigError, match="another user"):
        check_readable(tls)
