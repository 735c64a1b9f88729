"""System packages are installed only where that is plainly wanted; otherwise a line says what will be skipped."""

from __future__ import annotations

import os

import pytest

from tools import system_packages


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which none of the programs is installed."""
    monkeypatch.setattr(system_packages, "missing", lambda: ["mbpoll"])
    monkeypatch.setattr(system_packages, "install", lambda packages: pytest.fail(f"installed {packages}"))
    return monkeypatch


def test_somebody_who_is_not_root_gets_one_line(bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    bare.setattr(os, "geteuid", lambda: 1000)
    assert system_packages.main() == 0
    assert capsys.readouterr().out == "==> Without `mbpoll`, the tests with a foreign Modbus client are skipped\n"


def test_root_may_say_no(bare: pytest.MonkeyPatch) -> None:
    bare.setattr(os, "geteuid", lambda: 0)
    bare.setenv("SYSTEM_PACKAGES", "no")
    assert system_packages.main() == 0


def test_a_machine_without_apt_get_is_left_alone(bare: pytest.MonkeyPatch) -> None:
    bare.setattr(os, "geteuid", lambda: 0)
    bare.setattr("shutil.which", lambda *_, **__: None)
    assert system_packages.main() == 0
