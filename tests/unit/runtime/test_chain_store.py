from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerctl.core.errors import ConfigError
from powerctl.runtime import chain_store
from powerctl.runtime.chain_store import ChainStore, end_of, files, lines_of
from powerctl.runtime.hashchain import Broken, Entry, Head, follow

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
MEBIBYTE = 1024 * 1024


def store(folder: Path, *, keep_months: int = 26, max_bytes: int = MEBIBYTE) -> ChainStore:
    return ChainStore(folder, keep_months=keep_months, max_bytes=max_bytes)


def written(folder: Path, *names: str, when: datetime = NOW, keep_months: int = 26) -> Head:
    opened = store(folder, keep_months=keep_months)
    try:
        return opened.append(when, [{"kind": name} for name in names])
    finally:
        opened.close()


def kinds(folder: Path) -> list[str]:
    found = list(follow(lines_of(folder)))
    assert not [one for one in found if isinstance(one, Broken)]
    return [str(one.body["kind"]) for one in found if isinstance(one, Entry)]


def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    written(tmp_path, "a", "b")
    head = written(tmp_path, "c")
    assert kinds(tmp_path) == ["a", "b", "c"]
    assert end_of(tmp_path) == head


def test_two_processes_never_write_the_same_chain(tmp_path: Path) -> None:
    first = store(tmp_path)
    with pytest.raises(ConfigError, match="another process"):
        store(tmp_path)
    first.close()
    store(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_a_matter_for_the_operator(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError):
        store(tmp_path / "file" / "folder")


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, 400), zeros=st.booleans())
def test_power_lost_in_the_middle_of_a_write_costs_only_what_was_not_finished(
    tmp_path_factory: pytest.TempPathFactory, cut: int, zeros: bool
) -> None:
    folder = tmp_path_factory.mktemp("chain")
    written(folder, "kept")
    (path,) = files(folder)
    whole = path.stat().st_size
    written(folder, "cut", "cut")
    content = path.read_bytes()
    end = max(whole, len(content) - cut)
    path.write_bytes(content[:end] + (b"\0" * (len(content) - end) if zeros else b""))
    written(folder, "after")
    told = kinds(folder)
    assert told[0] == "kept"
    assert told[-1] == "after"
    assert ("recovered" in told) == any(folder.glob("*.torn"))


def test_what_was_torn_is_kept_beside_and_told(tmp_path: Path) -> None:
    written(tmp_path, "a")
    (path,) = files(tmp_path)
    with path.open("ab") as file:
        file.write(b"half a li")
    written(tmp_path, "b")
    assert kinds(tmp_path) == ["a", "recovered", "b"]
    (torn,) = tmp_path.glob("*.torn")
    assert torn.read_bytes() == b"half a li"


def test_a_changed_entry_is_never_taken_for_a_power_loss(tmp_path: Path) -> None:
    written(tmp_path, "a", "b")
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"kind":"b"', b'"kind":"x"'))
    written(tmp_path, "c")
    found = list(follow(lines_of(tmp_path)))
    assert [one.number for one in found if isinstance(one, Broken)] == [2]


def test_a_reader_ignores_what_is_still_being_written(tmp_path: Path) -> None:
    written(tmp_path, "a")
    (path,) = files(tmp_path)
    with path.open("ab") as file:
        file.write(b"half a li")
    assert kinds(tmp_path) == ["a"]


def test_a_disk_that_takes_only_a_part_leaves_the_chain_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = store(tmp_path)
    before = opened.append(NOW, [{"kind": "a"}])
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:10]))
    with pytest.raises(OSError, match="part"):
        opened.append(NOW, [{"kind": "b"}])
    monkeypatch.undo()
    assert opened.head == before
    opened.append(NOW, [{"kind": "c"}])
    opened.close()
    assert kinds(tmp_path) == ["a", "c"]


def test_two_years_are_kept_and_the_month_before_them_goes(tmp_path: Path) -> None:
    when = datetime(2024, 1, 15, tzinfo=UTC)
    for number in range(30):
        written(tmp_path, f"m{number}", when=when.replace(year=2024 + number // 12, month=number % 12 + 1))
    assert kinds(tmp_path) == [f"m{number}" for number in range(4, 30)]


def test_a_clock_that_jumps_costs_nothing(tmp_path: Path) -> None:
    for number in range(10):
        written(tmp_path, f"a{number}", when=NOW + timedelta(days=31 * number), keep_months=26)
    written(tmp_path, "future", when=NOW.replace(year=2199))
    for number in range(5):
        written(tmp_path, f"b{number}", when=NOW + timedelta(days=310 + number))
    assert len(kinds(tmp_path)) == 16


def test_a_store_that_grows_too_large_gives_up_its_oldest_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_store, "LARGEST_FILE", 1000)
    opened = store(tmp_path, max_bytes=5000)
    for number in range(100):
        opened.append(NOW, [{"kind": f"k{number}", "detail": "x" * 100}])
    opened.close()
    assert sum(path.stat().st_size for path in files(tmp_path)) < 7000
    assert kinds(tmp_path)[-1] == "k99"
