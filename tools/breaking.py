"""Fail when `protos/` breaks a contract that was published.

The baseline is the newest release tag; before the first release it is what `main` holds, so that an unintended break is
seen before it is committed. Works offline.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUF = Path(sys.executable).with_name("buf")


def git(*arguments: str) -> str | None:
    """Output of a git command, stripped; None when it failed."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def baseline() -> str | None:
    """The commit to compare with; None outside a git checkout."""
    if tag := git("describe", "--tags", "--abbrev=0", "--match", "v*"):
        return git("rev-parse", f"{tag}^{{commit}}")
    for branch in ("refs/heads/main", "refs/remotes/origin/main", "HEAD"):
        if commit := git("rev-parse", "--verify", "--quiet", branch):
            return commit
    return None


def main() -> int:
    """Compare with the baseline. Exit status of buf: 0 when nothing breaks."""
    commit = baseline()
    if commit is None:
        print("not a git checkout: the wire contracts were not compared with anything")
        return 0
    command = [str(BUF), "breaking", "--against", f".git#ref={commit}"]
    return subprocess.call(command, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
