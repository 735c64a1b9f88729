from __future__ import annotations

from pathlib import Path

import pytest

from tools import web_drift


def _write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_files_that_differ_or_are_on_one_side_only_are_named(tmp_path: Path) -> None:
    fresh = _write(tmp_path / "fresh", {"index.html": "new", "assets/app-1.js": "x", "icon.svg": "same"})
    committed = _write(tmp_path / "committed", {"index.html": "old", "assets/app-0.js": "x", "icon.svg": "same"})
    assert web_drift.differences(fresh, committed) == ["assets/app-0.js", "assets/app-1.js", "index.html"]


@pytest.mark.parametrize(("text", "expected"), [("v20.19.4", (20, 19)), ("v8.1.0", (8, 1)), ("nonsense", (0, 0))])
def test_node_says_its_version(text: str, expected: tuple[int, int]) -> None:
    assert web_drift.version(text) == expected


def test_without_node_one_line_says_that_nothing_was_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert web_drift.main() == 0
    assert capsys.readouterr().out == "web drift check skipped: Node is not installed\n"
