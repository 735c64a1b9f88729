"""`powerctl top`: the station's state as a live screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from powerctl.app.explanation import flexibility, plan_sentence
from powerctl.app.terminal_text import headline, limit_lines, reason
from powerctl.core.units import Power

_BAR: Final = 16
_WORDS: Final = ("", "State")
_TITLES: Final = ("", "State", "Power", "", "Granted", "Asks", "Charge", "Session")


def show(looks: Iterable[dict[str, Any]], console: Console | None = None) -> None:
    """Draw each look over the last one; one below the other where the output is no terminal."""
    console = console or Console(highlight=False)
    if not console.is_terminal:
        for told in looks:
            console.print(screen(told))
        return
    with Live(console=console, auto_refresh=False) as live:
        for told in looks:
            live.update(screen(told), refresh=True)


def screen(told: dict[str, Any]) -> RenderableType:
    """One look."""
    parts: list[RenderableType] = [Text(line) for line in limit_lines(told)]
    parts += [Text(""), _table(told), Text("")]
    parts += [Text(plan_sentence(told["plan"])), *(Text(one["sentence"]) for one in told["plan"]["gives_way"])]
    parts += [Text(line, style="dim") for line in flexibility(told["flexibility"])]
    if told.get("silent"):
        parts.append(Text(f"Silent since {told['time']}: {told['silence']}", style="bold red"))
    return Panel(
        Group(*parts), title=headline(told), subtitle=f"{told['time'][11:19]} UTC   Ctrl-C ends", border_style="cyan"
    )


def _table(told: dict[str, Any]) -> RenderableType:
    if not told["connectors"]:
        return Text("The charging controller is not connected: commissioned shares hold.", style="bold red")
    table = Table(box=None, pad_edge=False)
    for title in _TITLES:
        table.add_column(title, justify="left" if title in _WORDS else "right", no_wrap=True)
    for connector in told["connectors"]:
        table.add_row(*_cells(connector, told["station"]["rating_w"]))
    whys = [Text(f"{_name(one)}: {reason(one)}") for one in told["connectors"] if one.get("plug_in_time")]
    return Group(table, *([Text("")] if whys else []), *whys)


def _name(connector: dict[str, Any]) -> str:
    return connector["position"] or str(connector["connector"])


def _cells(connector: dict[str, Any], rating_w: float) -> tuple[RenderableType, ...]:
    name, state = _name(connector), connector["state"] or "unknown"
    if not connector.get("plug_in_time"):
        return (name, state)
    soc = connector["soc_percent"]
    return (
        name,
        state,
        str(Power(connector["power_w"])),
        ProgressBar(total=rating_w, completed=max(0.0, connector["power_w"]), width=_BAR),
        str(Power(connector["limit_w"])),
        str(Power(connector["target_w"])),
        "–" if soc is None else f"{soc:.0f} %",
        f"{connector['session_wh'] / 1000.0:.2f} kWh",
    )
