"""A station's state in a few lines of plain text."""

from __future__ import annotations

from typing import Any

from powerctl.app.explanation import flexibility, plan_sentence
from powerctl.core.units import Power


def status_lines(told: dict[str, Any]) -> list[str]:
    """What the station does, connector by connector, and whether its programs are well."""
    lines = [headline(told), *limit_lines(told), ""]
    lines += [connector_line(connector) for connector in told["connectors"]]
    if not told["connectors"]:
        lines.append("The charging controller is not connected: commissioned shares hold.")
    lines += ["", plan_sentence(told["plan"]), *(one["sentence"] for one in told["plan"]["gives_way"])]
    lines += flexibility(told["flexibility"])
    return [*lines, "", *(program_line(name, health) for name, health in told.get("programs", {}).items())]


def headline(told: dict[str, Any]) -> str:
    """Which station."""
    station = told["station"]
    simulated = ", simulated: nothing is sold here" if station["simulated"] else ""
    return f"{station['name']} ({station['id']}){simulated}"


def limit_lines(told: dict[str, Any]) -> list[str]:
    """What it may draw, by whom, and what it draws."""
    limit, station = told["limit"], told["station"]
    if limit is None:
        return ["The energy manager has not heard from the grid side yet."]
    until = f" until {limit['until']}" if limit["until"] else ""
    drawn = Power(station["measured_w"]) if station["measured_w"] is not None else "not measured"
    return [
        f"May draw {Power(limit['cap_w'])} of {Power(station['rating_w'])}, by {limit['code']}{until}: "
        f"{limit['sentence']}",
        f"Draws {drawn}; committed {Power(station['committed_w'])}.",
    ]


def connector_line(connector: dict[str, Any]) -> str:
    """Its state, power, charge and the reason that binds."""
    place = connector["position"] or f"connector {connector['connector']}"
    words = [f"{connector['connector']} {place:<6} {connector['state'] or 'unknown':<10}"]
    if connector.get("plug_in_time"):
        words.append(f"{Power(connector['power_w'])} of {Power(connector['limit_w'])} granted")
        if connector["soc_percent"] is not None:
            words.append(f"{connector['soc_percent']:.0f} %")
        words.append(f"{connector['session_wh'] / 1000.0:.2f} kWh")
        words.append(reason(connector))
    return "  ".join(words)


def reason(connector: dict[str, Any]) -> str:
    """What binds it, in one sentence."""
    bounds = connector["bounds"]
    return str(bounds[0]["sentence"]) if bounds else ""


def program_line(name: str, health: dict[str, Any]) -> str:
    """Whether one program is well, and what is not."""
    ailing = [
        f"{part}: {state['detail'] or 'not well'}" for part, state in health["components"].items() if not state["ok"]
    ]
    return f"{name:<20} {'well' if health['healthy'] else 'NOT WELL  ' + '; '.join(ailing)}"
