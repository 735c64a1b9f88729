"""Files generated from tables in the code: written, or compared with what is committed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def write_or_compare(arguments: Sequence[str], files: Mapping[Path, str], source: str) -> int:
    """Write `files`, or with `--check` name on standard error those that are not what comes of `source`.

    Returns:
        Exit status: 1 if a compared file is missing or differs.
    """
    parser = argparse.ArgumentParser(description=f"Write the files that are generated from {source}.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    if parser.parse_args(arguments).check:
        stale = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
        for path in stale:
            print(f"{_name(path)} is not what comes of {source}; run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
