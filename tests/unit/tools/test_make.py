"""`make help` explains what it promises, and CI runs what the README tells people to run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROMISED = ("install", "demo", "test", "check", "bench", "proto", "fmt", "e2e", "soak")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not on this machine")
def test_help_explains_every_command() -> None:
    command = ["make", "--no-print-directory", "help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    explained = {line.split()[1] for line in said.stdout.splitlines() if line.startswith("  make ")}
    assert set(PROMISED) <= explained


def test_ci_runs_the_command_of_the_readme() -> None:
    steps = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert steps[-1] == "exec make test"
    assert "make test" in (ROOT / "README.md").read_text().splitlines()
