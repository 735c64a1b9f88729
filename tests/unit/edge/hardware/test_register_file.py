"""A register survives whatever ends its process, and a damaged file never invents energy."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.hardware.register_file import RegisterFile

KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from edge.hardware.register_file import RegisterFile
register = RegisterFile(Path(sys.argv[1]))
for _ in range(1000):
    register.add(0.5)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_new_register_starts_at_zero_with_a_serial(tmp_path: Path) -> None:
    register = RegisterFile(tmp_path / "deep" / "meter")
    assert register.wh == 0.0
    assert len(register.serial) == 8


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    first = RegisterFile(tmp_path / "meter")
    first.add(1.25)
    first.close()
    second = RegisterFile(tmp_path / "meter")
    assert (second.wh, second.serial) == (1.25, first.serial)


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    process = subprocess.run([sys.executable, "-c", KILLED_WRITER, tmp_path / "meter"], check=False)
    assert process.returncode == -signal.SIGKILL
    assert RegisterFile(tmp_path / "meter").wh == 500.0


def test_it_never_falls(tmp_path: Path) -> None:
    register = RegisterFile(tmp_path / "meter")
    register.add(3.0)
    register.add(-1.0)
    register.add(0.0)
    assert register.wh == 3.0


def test_a_torn_write_costs_one_step_at_most(tmp_path: Path) -> None:
    path = tmp_path / "meter"
    register = RegisterFile(path)
    for _ in range(3):
        register.add(1.0)
    register.close()
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF  # the slot of the third step
    path.write_bytes(content)
    assert RegisterFile(path).wh in (2.0, 3.0)


@pytest.mark.parametrize("rubbish", [b"", b"x", b"EREG1\0\0\0short", b"\xff" * 56, b"EREG1\0\0\0" + b"\xff" * 48])
def test_rubbish_becomes_another_meter(tmp_path: Path, rubbish: bytes) -> None:
    path = tmp_path / "meter"
    path.write_bytes(rubbish)
    register = RegisterFile(path)
    assert register.wh == 0.0
    register.add(1.0)
    assert RegisterFile(path).wh == 1.0
