"""The wire contracts are compared with the newest release, before that with what is on main."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import breaking


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one commit on main."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "first")
    monkeypatch.setattr(breaking, "ROOT", tmp_path)
    return tmp_path


def test_without_a_release_main_is_the_baseline(checkout: Path) -> None:
    main = git(checkout, "rev-parse", "main")
    git(checkout, "switch", "--quiet", "-c", "work")
    git(checkout, "commit", "--quiet", "--allow-empty", "-m", "second")
    assert breaking.baseline() == main


def test_the_newest_release_is_the_baseline(checkout: Path) -> None:
    released = git(checkout, "rev-parse", "main")
    git(checkout, "tag", "v0.1.0")
    git(checkout, "commit", "--quiet", "--allow-empty", "-m", "second")
    assert breaking.baseline() == released


def test_outside_a_checkout_nothing_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaking, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert breaking.baseline() is None
    assert breaking.main() == 0
