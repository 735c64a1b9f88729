from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from powerctl.app.cli import main
from powerctl.app.evidence import entry_of
from powerctl.core.record import GridEvent, GridEventKind
from powerctl.core.setpoint import LimitSource
from powerctl.core.units import Power
from powerctl.runtime.chain_store import ChainStore, files

FIRST = datetime(2026, 10, 30, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five days, one limit each at noon, and compliance two seconds later."""
    place = tmp_path / "manager" / "evidence"
    store = ChainStore(place, keep_months=26, max_bytes=10**9)
    for day in range(5):
        when = FIRST + timedelta(days=day)
        store.append(when, [_entry(GridEventKind.APPLIED, when), _entry(GridEventKind.COMPLIED, when, 2.0)])
    store.close()
    return place


def _entry(kind: GridEventKind, when: datetime, latency_s: float | None = None) -> dict[str, object]:
    when += timedelta(seconds=latency_s or 0.0)
    event = GridEvent(kind, LimitSource.DSO, Power(4200), Power(4100), when, 'The grid operator said: "4.2 kW", öfter.')
    return entry_of(event, latency_s=latency_s)


def evidence(*arguments: str) -> int:
    return main(["evidence", *arguments])


def test_a_whole_chain_is_whole_and_gives_an_end_to_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evidence("verify", "--folder", str(folder)) == 0
    told = capsys.readouterr().out
    assert "Whole: entries 1 to 10." in told
    end = told.split()[-1]
    assert evidence("verify", "--folder", str(folder), "--expect", end) == 0


def test_the_first_broken_link_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files(folder)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1].replace(b"4100.0", b"1000.0"), *lines[3:]]))
    assert evidence("verify", "--folder", str(folder)) == 1
    assert capsys.readouterr().out.startswith("BROKEN at entry 2: ")


def test_a_missing_month_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    october, november = files(folder)
    november.write_bytes(november.read_bytes().split(b"\n", 1)[1])
    assert evidence("verify", "--folder", str(folder)) == 1
    assert "entry 6: it follows entry 4" in capsys.readouterr().out
    assert october.name.endswith("_2026-10.chain")


def test_a_tail_that_was_cut_off_is_missed_by_who_noted_the_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence("verify", "--folder", str(folder))
    end = capsys.readouterr().out.split()[-1]
    newest = files(folder)[-1]
    newest.write_bytes(b"".join(newest.read_bytes().splitlines(keepends=True)[:-1]))
    assert evidence("verify", "--folder", str(folder)) == 0
    assert evidence("verify", "--folder", str(folder), "--expect", end) == 1


def test_a_period_as_csv(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "period.csv"
    period = ("--from", "2026-10-31", "--to", "2026-11-01")
    assert evidence("export", "--folder", str(folder), *period, "--output", str(target)) == 0
    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["n"] for row in rows] == ["3", "4", "5", "6"]
    assert (rows[1]["kind"], rows[1]["latency_s"], rows[1]["measured_w"]) == ("complied", "2.0", "4100.0")
    assert rows[1]["time"] == "2026-10-31T12:00:02.000000Z"
    assert rows[1]["detail"] == 'The grid operator said: "4.2 kW", öfter.'
    assert len(rows[1]["digest"]) == 64


def test_a_period_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    period = ("--from", "2026-11-01T14:00:00+02:00", "--to", "2026-11-01T14:00:01+02:00")
    assert evidence("export", "--folder", str(folder), *period, "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["n"], row["kind"], row["cap_w"]) == (5, "applied", 4200.0)


def test_an_empty_period_is_an_empty_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    period = ("--from", "2020-01-01", "--to", "2020-12-31")
    assert evidence("export", "--folder", str(folder), *period, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_an_export_of_a_broken_chain_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files(folder)[0]
    path.write_bytes(path.read_bytes().replace(b"4100.0", b"1000.0", 1))
    assert evidence("export", "--folder", str(folder), "--from", "2026-10-01", "--to", "2026-12-01") == 1
    assert "BROKEN at entry 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--from", "yesterday", "--to", "2026-11-01"),
        ("verify", "--expect", "17"),
        ("export", "--from", "2026-11-01", "--to", "2026-11-02", "--output", "/dev/null/file"),
    ],
)
def test_a_mistake_of_the_operator_ends_with_status_2(folder: Path, arguments: tuple[str, ...]) -> None:
    assert evidence(arguments[0], "--folder", str(folder), *arguments[1:]) == 2


def test_a_folder_without_evidence_is_a_mistake_of_the_operator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evidence("verify", "--folder", str(tmp_path)) == 2
    assert "no evidence here" in capsys.readouterr().err
