"""Completion, in the shells that this machine has."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from powerctl.app import cli

COMMANDS = {"run", "check", "demo", "simulate", "status", "top", "explain", "completion", "vehicle"}


def _script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["completion", shell]) == 0
    return capsys.readouterr().out


def _in_bash(script: str, *words: str) -> set[str]:
    """What bash offers for the last of `words`."""
    given = " ".join(f"'{word}'" for word in words)
    asked = (
        f"{script}\nCOMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; _powerctl; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["powerctl", ""], COMMANDS),
        (["powerctl", "st"], {"status"}),
        (["powerctl", "explain", "--j"], {"--json"}),
        (["powerctl", "plan", "re"], {"replay"}),
        (["powerctl", "completion", ""], {"bash", "zsh", "fish"}),
        (["powerctl", "top", "--i"], {"--interval"}),
    ],
)
def test_bash_offers(capsys: pytest.CaptureFixture[str], typed: list[str], offered: set[str]) -> None:
    assert offered <= _in_bash(_script("bash", capsys), *typed)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_offers_nothing_of_another_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--count" not in _in_bash(_script("bash", capsys), "powerctl", "status", "--")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_the_script(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    script = _script(shell, capsys)
    assert "explain" in script
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-c", script], check=True, capture_output=True)
