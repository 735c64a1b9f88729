from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def test_the_committed_page_says_what_the_table_says() -> None:
    command = [sys.executable, str(ROOT / "tools" / "chademo_trace.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
