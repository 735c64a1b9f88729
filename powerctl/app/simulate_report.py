"""What a simulation found, as JSON, and as one HTML page that needs nothing else."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from powerctl.app.simulate import changes
from powerctl.app.simulate_model import Run, Sample, Vehicle

SERVED: Final = 0.99
"""The part of the need that counts as served."""
_WIDTH: Final = 1100
_HEIGHT: Final = 220
_POINTS: Final = 1500
_COLOURS: Final = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#b45309", "#0e7490")


def findings(run: Run) -> dict[str, Any]:
    """The figures of a run, by name; energies in kWh, durations in seconds."""
    sessions = [_session(vehicle) for vehicle in run.vehicles]
    energy = sum(session["energy_kwh"] for session in sessions)
    return {
        "sessions": len(sessions),
        "energy_kwh": round(energy, 3),
        "demand_kwh": round(sum(vehicle.session.need_wh for vehicle in run.vehicles) / 1000.0, 3),
        "served": sum(session["part"] >= SERVED for session in sessions),
        "cost": round(sum(vehicle.cost for vehicle in run.vehicles), 4),
        "longest_wait_s": max((vehicle.longest_wait_s for vehicle in run.vehicles), default=0.0),
        "limit_changes": changes(run),
        "reversals": sum(vehicle.reversals for vehicle in run.vehicles),
        "restarts": sum(max(0, vehicle.starts - 1) for vehicle in run.vehicles),
        "dead_zone": run.dead_zone,
        "violations": len(run.violations),
        "plans": run.plans,
        "plans_rejected": run.rejected,
    }


def _session(vehicle: Vehicle) -> dict[str, Any]:
    return {
        "session": vehicle.session.name,
        "connector": vehicle.session.connector,
        "energy_kwh": vehicle.taken_wh / 1000.0,
        "part": vehicle.taken_wh / vehicle.session.need_wh if vehicle.session.need_wh > 0.0 else 1.0,
        "starts": vehicle.starts,
        "longest_wait_s": vehicle.longest_wait_s,
        "bound_by_s": {source: round(seconds) for source, seconds in sorted(vehicle.reasons.items())},
    }


def as_json(run: Run) -> str:
    """The figures, the sessions and the violations."""
    report = {
        "findings": findings(run),
        "sessions": [_session(vehicle) for vehicle in run.vehicles],
        "violations": run.violations[:1000],
    }
    return json.dumps(report, indent=1) + "\n"


def as_html(run: Run, title: str) -> str:
    """The same as a page, with the power over time."""
    figures = "".join(
        f"<tr><th>{html.escape(name.replace('_', ' '))}</th><td>{value}</td></tr>"
        for name, value in findings(run).items()
    )
    rows = "".join(_row(_session(vehicle)) for vehicle in run.vehicles)
    broken = "".join(f"<li>{html.escape(text)}</li>" for text in run.violations[:100])
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        "<style>body{font:15px system-ui;margin:2em auto;max-width:1120px}table{border-collapse:collapse}"
        "th,td{padding:.2em .8em;text-align:left;border-bottom:1px solid #ddd}svg{width:100%;height:auto}</style>"
        f"<h1>{html.escape(title)}</h1><table>{figures}</table><h2>Power and cap</h2>{_plot(run.samples)}"
        f"{f'<h2>Violations</h2><ul>{broken}</ul>' if broken else ''}"
        "<h2>Sessions</h2><table><tr><th>session</th><th>connector</th><th>kWh</th><th>part</th><th>starts</th>"
        f"<th>longest wait, s</th><th>bound by, s</th></tr>{rows}</table></html>\n"
    )


def _row(session: dict[str, Any]) -> str:
    bound = ", ".join(f"{source} {seconds}" for source, seconds in session["bound_by_s"].items())
    return (
        f"<tr><td>{html.escape(session['session'])}</td><td>{session['connector']}</td>"
        f"<td>{session['energy_kwh']:.2f}</td><td>{session['part']:.0%}</td><td>{session['starts']}</td>"
        f"<td>{session['longest_wait_s']:.0f}</td><td>{html.escape(bound)}</td></tr>"
    )


def _plot(samples: Sequence[Sample]) -> str:
    if not samples:
        return "<p>Nobody came.</p>"
    kept = samples[:: max(1, len(samples) // _POINTS)]
    top_w = max(1.0, *(max(sample.cap_w, sample.ac_w) for sample in kept))
    first_s, last_s = kept[0].at_s, max(kept[-1].at_s, kept[0].at_s + 1.0)

    def line(value: Callable[[Sample], float], colour: str, name: str) -> str:
        points = " ".join(
            f"{(sample.at_s - first_s) / (last_s - first_s) * _WIDTH:.1f},{(1.0 - value(sample) / top_w) * _HEIGHT:.1f}"
            for sample in kept
        )
        return (
            f'<polyline fill="none" stroke="{colour}" points="{points}"><title>{html.escape(name)}</title></polyline>'
        )

    connectors = sorted({connector for sample in kept for connector in sample.limits_w})
    lines = [line(lambda s: s.cap_w, "#111", "cap, AC"), line(lambda s: s.ac_w, "#888", "power, AC")]
    lines += [
        line(lambda s, c=c: s.powers_w.get(c, 0.0), _COLOURS[n % len(_COLOURS)], f"connector {c}, DC")  # type: ignore[misc]
        for n, c in enumerate(connectors)
    ]
    legend = "black: cap, grey: power at the grid connection, colours: connectors"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{legend}">{"".join(lines)}</svg><p>{legend}</p>'
    )
