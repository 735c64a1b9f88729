"""`make` notices when the environment is up to date, and says what is missing when it cannot make one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import install


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with an environment in which nothing has been installed."""
    (tmp_path / "requirements").mkdir()
    for name in install.SETS:
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"# {name}\n")
    (tmp_path / "pyproject.toml").write_text("")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "PYTHON", python)
    return tmp_path


def installed(name: str) -> None:
    install.stamp(name).write_text(install.fingerprint(name))


def test_a_new_environment_has_nothing_installed(clone: Path) -> None:
    assert not install.is_installed("demo")


def test_a_set_is_installed_once(clone: Path) -> None:
    installed("demo")
    assert install.is_installed("demo")
    assert not install.is_installed("dev")


def test_the_larger_set_contains_the_smaller_one(clone: Path) -> None:
    installed("dev")
    assert install.is_installed("demo")


@pytest.mark.parametrize("changed", ["requirements/dev.txt", "pyproject.toml"])
def test_a_change_of_the_lock_or_of_the_project_installs_again(clone: Path, changed: str) -> None:
    installed("dev")
    (clone / changed).write_text("# another\n")
    assert not install.is_installed("dev")


def test_an_old_interpreter_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit) as end:
        install.check_interpreter()
    assert end.value.code == 2
    assert "Python 3.11 or newer is needed" in capsys.readouterr().out


def test_a_debian_python_without_venv_names_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as end:
        install.check_interpreter()
    assert end.value.code == 2
    assert "apt-get install python3-venv" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["everything"], ["demo", "dev"]])
def test_an_unknown_set_is_refused(arguments: list[str]) -> None:
    assert install.main(arguments) == 2
