"""Write `docs/reference/openapi.json`, the JSON form of the API (OpenAPI 3.1), from the protos; `--check` compares."""

from __future__ import annotations

import sys
from typing import Final

from cloud.api.openapi import content
from tools.generated import ROOT, write_or_compare

PAGE: Final = ROOT / "docs" / "reference" / "openapi.json"


def main(arguments: list[str]) -> int:
    """Write, or compare. Exit status 1: the committed file is not what the protos say."""
    return write_or_compare(arguments, {PAGE: content().decode()}, "the protos")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
