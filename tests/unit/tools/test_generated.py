"""Generated files are written, or compared and named when they are not what the tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.generated import write_or_compare


def test_what_was_written_compares_equal(tmp_path: Path) -> None:
    files = {tmp_path / "new" / "page.md": "päge\n", tmp_path / "other.json": "{}"}
    assert write_or_compare([], files, "the table") == 0
    assert write_or_compare(["--check"], files, "the table") == 0


def test_every_stale_or_missing_file_is_named_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, stale, missing = (tmp_path / name for name in ("good.md", "stale.md", "missing.md"))
    good.write_text("new")
    stale.write_text("old")
    assert write_or_compare(["--check"], dict.fromkeys((good, stale, missing), "new"), "the table") == 1
    said = capsys.readouterr().err
    assert f"{stale} is not what comes of the table; run `make docs`" in said
    assert str(missing) in said
    assert str(good) not in said
    assert stale.read_text() == "old"
    assert not missing.exists()


def test_an_option_that_does_not_exist_writes_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with pytest.raises(SystemExit, match="2"):
        write_or_compare(["--chekc"], {page: "new"}, "the table")
    assert not page.exists()
