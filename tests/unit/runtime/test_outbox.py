"""Records stay until the cloud has them, whatever happens to the programs and the disk."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.errors import ConfigError
from powerctl.core.record import Lane
from powerctl.runtime import outbox as module
from powerctl.runtime.outbox import BOOT_GAP, CommandBox, Draft, Entry, Outbox, OutboxFull

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def test_what_was_appended_waits_in_order_of_lane_then_sequence(path: Path) -> None:
    outbox = Outbox(path)
    lanes = [Lane.TELEMETRY, Lane.BILLING, Lane.STATUS, Lane.BILLING]
    assert [outbox.append(lane, bytes([lane])) for lane in lanes] == [1, 2, 3, 4]
    assert [entry.sequence for entry in outbox.pending(limit=10)] == [2, 4, 3, 1]
    assert outbox.pending(limit=1) == [Entry(2, Lane.BILLING, b"\0")]
    assert [entry.sequence for entry in outbox.pending(limit=2, exclude={2, 3})] == [4, 1]


def test_records_and_epoch_survive_a_restart(path: Path) -> None:
    first = Outbox(path)
    first.append(Lane.BILLING, b"a")
    first.close()
    second = Outbox(path)
    assert second.epoch == first.epoch
    assert second.pending(limit=9) == [Entry(1, Lane.BILLING, b"a")]


def test_another_file_has_another_epoch(tmp_path: Path) -> None:
    assert Outbox(tmp_path / "a").epoch != Outbox(tmp_path / "b").epoch


def test_a_sequence_is_never_given_twice(path: Path) -> None:
    outbox = Outbox(path)
    outbox.append(Lane.BILLING, b"a")
    outbox.delete(outbox.epoch, [(1, 1)])
    outbox.close()
    assert Outbox(path).append(Lane.BILLING, b"b") == 2


def test_after_a_reboot_sequences_that_a_power_cut_may_have_undone_are_passed_over(path: Path) -> None:
    before = Outbox(path, boot_id="monday")
    before.append(Lane.TELEMETRY, b"a")
    before.close()
    assert Outbox(path, boot_id="monday").append(Lane.TELEMETRY, b"b") == 2
    assert Outbox(path, boot_id="tuesday").append(Lane.TELEMETRY, b"c") == 3 + BOOT_GAP


def test_without_a_boot_id_every_opening_counts_as_a_reboot(path: Path) -> None:
    Outbox(path, boot_id="").append(Lane.TELEMETRY, b"a")
    assert Outbox(path, boot_id="").append(Lane.TELEMETRY, b"b") == 2 + BOOT_GAP


def test_only_what_the_ranges_name_is_deleted(path: Path) -> None:
    outbox = Outbox(path)
    outbox.append_all([Draft(Lane.BILLING, b"x")] * 10)
    assert outbox.delete(outbox.epoch, [(1, 3), (7, 7), (50, 60)]) == 4
    assert [entry.sequence for entry in outbox.pending(limit=99)] == [4, 5, 6, 8, 9, 10]


def test_another_epoch_deletes_nothing(path: Path) -> None:
    outbox = Outbox(path)
    outbox.append(Lane.BILLING, b"x")
    assert outbox.delete(outbox.epoch ^ 1, [(1, 1)]) == 0
    assert outbox.depth()[Lane.BILLING] == 1


def test_a_record_that_is_sent_again_by_its_maker_is_stored_once(path: Path) -> None:
    outbox = Outbox(path)
    assert outbox.append(Lane.BILLING, b"x", record_id="m-1") == 1
    assert outbox.append(Lane.BILLING, b"x", record_id="m-1") == 1
    assert outbox.append(Lane.BILLING, b"y", record_id="m-2") == 2
    assert outbox.depth()[Lane.BILLING] == 2


def test_depth_and_oldest_tell_what_waits(path: Path) -> None:
    outbox = Outbox(path)
    assert outbox.oldest() is None
    began = datetime.now(UTC) - timedelta(milliseconds=1)
    outbox.append(Lane.STATUS, b"x")
    assert outbox.depth() == {Lane.BILLING: 0, Lane.STATUS: 1, Lane.TELEMETRY: 0}
    oldest = outbox.oldest()
    assert oldest is not None
    assert began <= oldest <= datetime.now(UTC)


def test_the_writing_of_another_program_is_noticed_once(path: Path) -> None:
    reader, writer = Outbox(path), Outbox(path)
    assert reader.changed()
    assert not reader.changed()
    writer.append(Lane.BILLING, b"x")
    assert reader.changed()
    assert not reader.changed()


def test_two_programs_may_open_a_new_file_at_once(path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom powerctl.runtime.outbox import Outbox\n"
        f"print(Outbox(Path({str(path)!r})).epoch)"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    epochs = {program.communicate(timeout=30)[0] for program in programs}
    assert len(epochs) == 1
    assert all(program.returncode == 0 for program in programs)


def test_a_billing_record_survives_a_kill_in_the_next_instant(path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from powerctl.core.record import Lane\n"
        f"from powerctl.runtime.outbox import Outbox\nbox = Outbox(Path({str(path)!r}))\n"
        "for n in range(20): box.append(Lane.BILLING, bytes([n]))\nos.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert [entry.payload[0] for entry in Outbox(path).pending(limit=99)] == list(range(20))


def test_a_billing_record_is_synced_and_telemetry_is_not(path: Path) -> None:
    outbox = Outbox(path)
    levels = {}
    for lane in (Lane.TELEMETRY, Lane.BILLING, Lane.STATUS):
        outbox.append(lane, b"x")
        levels[lane] = outbox._db.execute("PRAGMA synchronous").fetchone()[0]
    # 1 is NORMAL, 2 is FULL (sqlite.org/pragma.html#pragma_synchronous).
    assert levels == {Lane.TELEMETRY: 1, Lane.BILLING: 2, Lane.STATUS: 1}


def test_a_full_disk_refuses_and_keeps_what_it_has(path: Path) -> None:
    outbox = Outbox(path)
    outbox.append(Lane.BILLING, b"first")
    pages = outbox._db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutboxFull):
        outbox.append(Lane.BILLING, bytes(100_000))
    assert [entry.payload for entry in outbox.pending(limit=9)] == [b"first"]
    outbox._db.execute("PRAGMA max_page_count = 100000")
    assert outbox.append(Lane.BILLING, bytes(100_000)) == 2


def test_the_last_of_the_disk_belongs_to_billing(path: Path) -> None:
    outbox = Outbox(path, reserve_bytes=2**62)
    assert outbox.full
    for lane in (Lane.STATUS, Lane.TELEMETRY):
        with pytest.raises(OutboxFull, match="billing"):
            outbox.append(lane, b"x")
    assert outbox.append(Lane.BILLING, b"x") == 1


def test_telemetry_is_thinned_before_anything_is_refused(path: Path) -> None:
    outbox = Outbox(path, max_bytes=400_000, reserve_bytes=0)
    outbox.append(Lane.BILLING, b"bill")
    for _ in range(1000):
        outbox.append(Lane.TELEMETRY, bytes(1000))
    assert outbox.thinned > 300
    assert outbox.size() <= 420_000
    assert outbox.depth()[Lane.BILLING] == 1
    kept = [entry.sequence for entry in outbox.pending(limit=9999) if entry.lane is Lane.TELEMETRY]
    assert kept[0] == 2, "the oldest is kept, so that the gap is spread over the whole time"


def test_a_damaged_file_is_for_the_operator(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(ConfigError, match="damaged"):
        Outbox(path)


@given(st.lists(st.tuples(st.sampled_from(Lane), st.booleans()), max_size=30))
def test_every_record_is_either_pending_or_was_deleted(actions: list[tuple[Lane, bool]]) -> None:
    outbox = Outbox(Path(":memory:"), reserve_bytes=0)
    kept = set()
    for lane, delete in actions:
        sequence = outbox.append(lane, b"x")
        if delete:
            outbox.delete(outbox.epoch, [(sequence, sequence)])
        else:
            kept.add(sequence)
    assert {entry.sequence for entry in outbox.pending(limit=99)} == kept
    assert sum(outbox.depth().values()) == len(kept)


def test_a_command_is_handed_out_once(path: Path) -> None:
    box = CommandBox(path)
    assert box.take() == []
    assert box.put("c-1", NOW, b"one")
    assert not box.put("c-1", NOW, b"again")
    assert box.put("c-2", NOW + timedelta(seconds=30), b"two")
    assert [(entry.command_id, entry.expire_time, entry.payload) for entry in box.take()] == [
        ("c-1", NOW, b"one"),
        ("c-2", NOW + timedelta(seconds=30), b"two"),
    ]
    assert box.take() == []


def test_a_command_that_was_taken_is_known_after_a_restart(path: Path) -> None:
    box = CommandBox(path)
    box.put("c-1", NOW, b"one")
    box.take()
    box.close()
    again = CommandBox(path)
    assert not again.put("c-1", NOW, b"one")
    assert again.take() == []


def test_two_programs_share_the_commands(path: Path) -> None:
    uplink, control = CommandBox(path), CommandBox(path)
    uplink.put("c-1", NOW, b"one")
    assert [entry.command_id for entry in control.take()] == ["c-1"]
    assert uplink.take() == []


def test_commands_that_nobody_takes_do_not_pile_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMANDS_WAITING", 3)
    box = CommandBox(path)
    for number in range(3):
        box.put(f"c-{number}", NOW, b"")
    with pytest.raises(OutboxFull):
        box.put("c-3", NOW, b"")
    box.take()
    assert box.put("c-3", NOW, b"")


def test_old_commands_are_forgotten_but_never_one_that_waits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMANDS_REMEMBERED", 2)
    box = CommandBox(path)
    box.put("old", NOW, b"")
    box.take()
    for name in ("waits", "b", "c", "d"):
        box.put(name, NOW, b"")
    with sqlite3.connect(path) as database:
        names = [row[0] for row in database.execute("SELECT command_id FROM command ORDER BY number")]
    database.close()
    assert names == ["waits", "b", "c", "d"]
