"""Write `docs/reference/openapi.json`, the JSON form of the API (OpenAPI 3.1), from the protos; `--check` compares."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from cloud.api.openapi import content

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "reference" / "openapi.json"


def main() -> int:
    """Write, or compare. Exit status 1: the committed file is not what the protos say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    if not parser.parse_args().check:
        PAGE.write_bytes(content())
        return 0
    if not PAGE.exists() or PAGE.read_bytes() != content():
        print(f"{PAGE.name} is not what the protos say: run 'make docs'.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
