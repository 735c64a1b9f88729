"""The generated code is what the contracts say, and is made by the environment's own plugins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_code_is_what_the_contracts_generate() -> None:
    command = [sys.executable, "tools/proto.py", "--check"]
    bare = {**os.environ, "PATH": os.defpath}
    done = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
