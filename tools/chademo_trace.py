"""Write `docs/chademo-trace.md` from the session table; with `--check`, fail when the committed page differs."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator

from edge.chademo.faults import KINDS
from edge.chademo.phase import LOOKS, Phase
from edge.chademo.table import BY_PHASE, RULES, Rule, When
from edge.chademo.timing import TIMES
from edge.chademo.version import EDITIONS
from tools.generated import ROOT, write_or_compare

PAGE = ROOT / "docs" / "chademo-trace.md"
STORIES = ROOT / "tests" / "scenarios" / "chademo"
_FROM_EVERYWHERE = {Phase.TRIPPING, Phase.FAULTED, Phase.AVAILABLE}
_ALIKE = {When.FAULT, When.UNPLUGGED}

HEAD = """# The CHAdeMO session, row by row

Made by `python tools/chademo_trace.py` from `edge/chademo/table.py`, `timing.py` and `faults.py`; never edited.

The rows of a state are tried from top to bottom, after every event and every 100 ms. *Source* names where the behaviour
is known from: a numbered step of the public sequence (3.x: start, steady state, stop, emergency; 1.x: frames; 2: pilot
lines; 4: available current), the public implementation or excerpt that states it, or *captures* where it was measured.
No copy of the standard was read. What is not certain is commissioned with a cautious default.

## The sequence in steps

What public implementations (furdog, osx, cdrs, EVerest) and captures agree on; the sources below name these numbers.

* **1** Frames: 0x100, 0x101, 0x102, 0x110 from the vehicle, 0x108, 0x109, 0x118 from the station, each every 100 ms.
* **2** Hardware: d1, d2 and k lines, lock, earth, insulation supervision. Any stop is current first, then d2 and d1.
* **3.1** Start: 1 d1 on · 2 the vehicle speaks · 3 the station answers · 4 the vehicle recalculates · 5 compatibility,
  after k · 6 k and 102.5.0 · 7 lock · 8 at most 10 V on the cable · 9 insulation test · 10 at most 20 V · 11 d2 on ·
  12 contactor closed · 13 first request · 14 109.5.0 set and 109.5.5 cleared in one frame · 15 the output follows.
* **3.2** Any one ends charging: k, 102.5.0, 102.5.1, 102.4, 102.5.2, silence, time, threshold voltage, a fault.
* **3.3** Stop: 1 109.5.5 · 2 the vehicle withdraws its permission · 3 at most 5 A · 4 109.5.0 cleared · 5 the output
  collapses · 6 the contactor opens and is tested · 7 d2 off, half a second, d1 off · 8 at most 10 V, then unlock.
* **3.4** Fault: trip at once, say so in the next frame, then 3.3 from step 2.
* **3.6** Insulation tests of real stations: about 500 V, held 0.1 to 4 s.
* **4** Available current (108.3) may change while charging; the rules are in `edge/chademo/ramp.py`.
* **5** Fault list of a real station's display.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            "## Diagram\n",
            *_diagram(),
            "\n## States\n",
            *_table(("State", "Connector is", "Meaning", "109.5.0", "109.5.5"), _states()),
            "\n## Rows\n",
            *(line for phase in Phase for line in _rows_of(phase)),
            "## Times\n",
            *_table(("Name", "Kind", "Seconds", "Meaning", "Source", "Certain"), _times()),
            "\n## Faults\n",
            *_table(("Code", "Latched by default", "109.5", "Sentence", "Source"), _faults()),
            "\n## Protocol numbers\n",
            "Both sides behave as the lower number says (102.0, 109.0).\n",
            *_table(("Number", "Editions", "Brings", "Source"), _editions()),
            "\n## Held by\n",
            "Each requirement of these kinds is a story that passes: the rules for available current, quirks, times.\n",
            *_stories(),
            "",
        ]
    )


def _diagram() -> Iterator[str]:
    """Where each state leads in a session without faults and unplugging; those lead out of every state alike."""
    yield "Every fault leads to *tripping*, and so does a pulled plug; after the end, to *faulted* and *available*.\n"
    yield "```mermaid"
    yield "stateDiagram-v2"
    seen = set()
    for rule in RULES:
        arrow = (rule.phase, rule.to)
        if rule.to is rule.phase or rule.to in _FROM_EVERYWHERE or rule.when in _ALIKE or arrow in seen:
            continue
        seen.add(arrow)
        when = re.split("[,;:]", rule.when.value)[0]
        yield f"    {rule.phase.value} --> {rule.to.value}: {when}"
    yield "```"


def _editions() -> Iterator[tuple[str, ...]]:
    for number, edition in EDITIONS.items():
        brings = "; ".join(sorted(feature.value for feature in edition.features)) or "-"
        yield str(number), edition.meaning, brings, edition.source


def _stories() -> Iterator[str]:
    for name in ("rules", "quirks", "times", "zoo", "soak"):
        path = STORIES / f"test_{name}.py"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield f"### {path.relative_to(ROOT)}\n"
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"* {node.name.removeprefix('test_').replace('_', ' ')}"
        yield ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _states() -> Iterator[tuple[str, ...]]:
    for phase, look in LOOKS.items():
        yield phase.value, look.state.value, look.meaning, str(int(look.charging)), str(int(look.stop))


def _rows_of(phase: Phase) -> Iterator[str]:
    yield f"### {phase.value}\n"
    yield from _table(("When", "Then", "Do", "Within", "Fault", "Source"), (_row(rule) for rule in BY_PHASE[phase]))
    yield ""


def _row(rule: Rule) -> tuple[str, ...]:
    within = "" if rule.within is None else f"{TIMES[rule.within].seconds:g} s"
    then = "stays" if rule.to is rule.phase else rule.to.value
    return rule.when.value, then, ", ".join(rule.do), within, rule.fault.value if rule.fault else "", rule.source


def _times() -> Iterator[tuple[str, ...]]:
    for time, limit in TIMES.items():
        certain = "yes" if limit.certain else "no"
        yield time.value, limit.kind.value, f"{limit.seconds:g}", limit.meaning, limit.source, certain


def _faults() -> Iterator[tuple[str, ...]]:
    from edge.chademo.config import LATCHED

    for code, kind in KINDS.items():
        bit = (kind.flag.name or "").lower().replace("_", " ")
        yield code.value, "yes" if code.value in LATCHED else "no", bit, kind.detail, kind.source


def main(arguments: list[str]) -> int:
    """Write, or compare. Exit status 1: the page is not what the table says."""
    return write_or_compare(arguments, {PAGE: page()}, f"the table of {len(RULES)} rows")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
