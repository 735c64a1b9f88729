"""Write `docs/reference/metrics.md` from the catalogue of metrics; with `--check`, fail when it differs."""

from __future__ import annotations

import sys

from powerctl.runtime.metrics import CATALOGUE, Metric
from tools.generated import ROOT, write_or_compare

PAGE = ROOT / "docs" / "reference" / "metrics.md"
HEAD = """\
# Metrics

Generated from `powerctl/runtime/metrics.py` by `make docs`; never edited.

Each program serves its metrics at `/metrics` on its own port: powerctl 9464, edge control 9465, cloud 9466, edge uplink
9467 (the demo's ports; all are settings). Units are base units, and no label identifies a person.
"""
PROGRAMS = {
    "powerctl": "Energy manager and every program",
    "edge": "Charging controller and uplink",
    "cloud": "Back end",
}


def row(metric: Metric) -> str:
    """One line of a table."""
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.type} | {metric.unit or '1'} | {labels} | {metric.meaning} |"


def page(catalogue: tuple[Metric, ...]) -> str:
    """The whole page; programs in a fixed order, metrics by name."""
    lines = [HEAD]
    for prefix, title in PROGRAMS.items():
        rows = [row(m) for m in sorted(catalogue, key=lambda m: m.name) if m.name.split("_")[0] == prefix]
        if rows:
            lines += [
                f"## {title}",
                "",
                "| Metric | Type | Unit | Labels | Meaning |",
                "|---|---|---|---|---|",
                *rows,
                "",
            ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write, or compare. Exit status 1: the page is not what the catalogue says."""
    return write_or_compare(arguments, {PAGE: page(CATALOGUE)}, "the catalogue of metrics")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
