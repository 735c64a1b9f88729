"""What the demo shows in the terminal: the first screen, then live progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from powerctl.app.demo.ports import HOST, Ports


@dataclass(frozen=True, slots=True)
class Links:
    """Where a person signs in; each link works once."""

    driver: str
    operator: str
    utility: str
    administrator: str


def first_screen(ports: Ports, folder: str, *, vehicles: bool) -> RenderableType:
    """Ports and the most interesting things to try."""
    return Panel(
        Group(
            Text("Simulated station: nothing is sold, nothing leaves this machine.", style="bold yellow"),
            Text(""),
            Text("Try this", style="bold"),
            *_ideas(ports),
            Text(""),
            Text(_ports_line(ports, vehicles=vehicles), style="dim"),
            Text(f"Files and logs: {folder}   Stop: Ctrl-C", style="dim"),
        ),
        title="[bold]powerctl demo[/] · two cars, one 22 kW station",
        border_style="cyan",
    )


def show_links(console: Console, links: Links) -> None:
    """The sign-in links, each on one line that a terminal can open however narrow it is."""
    console.print("Sign in, each link once:", style="bold")
    people = (
        ("Driver", links.driver),
        ("Operator", links.operator),
        ("Utility", links.utility),
        ("Admin", links.administrator),
    )
    for name, link in people:
        console.print(f"{name:<9}{link}", style="cyan", soft_wrap=True, markup=False)


def _ideas(ports: Ports) -> list[Text]:
    return [
        Text("1. Push the buttons at the top of the driver's page, which its link opens."),
        Text("2. Dim the station as a utility would, and see the power fall within a second, with the reason:"),
        Text(f"     mbpoll -m tcp -p {ports.modbus} -a 1 -0 -r 40448 {HOST} 4200   (22000 lifts it)", style="green"),
        Text("3. Kill the energy manager and watch the station stay safe, then come back:"),
        Text('     pkill -f "powerctl.app.cli run"', style="green"),
        Text("4. Stop a session on the page, read its receipt, and the e-mail about it in the demo's own inbox."),
    ]


def _ports_line(ports: Ports, *, vehicles: bool) -> str:
    metrics = (ports.metrics_powerctl, ports.metrics_edge, ports.metrics_cloud, ports.metrics_uplink)
    parts = [
        f"Web {ports.web}",
        f"gRPC {ports.grpc}",
        f"Modbus/TCP {ports.modbus}",
        f"Modbus/TLS {ports.modbus_tls}",
        f"CAN hubs {ports.can_left}, {ports.can_right}",
        f"SMTP {ports.smtp}",
        f"metrics {', '.join(map(str, metrics))}",
    ]
    if not vehicles:
        parts.append(f"your vehicles at {ports.plant_left}, {ports.plant_right}")
    return " · ".join(parts)


def live_table(live: Mapping[str, Any] | None, restarts: Mapping[str, int]) -> RenderableType:
    """Cap, measured power and both connectors now, as the observer sees them."""
    if live is None:
        return Text("Waiting for the first measurement …", style="dim")
    table = Table(expand=False, border_style="dim")
    for title in ("", "Power", "Current", "Available", "Charge"):
        table.add_column(title, justify="left" if not title else "right")
    for name, connector in zip(("left", "right"), live["connectors"], strict=False):
        table.add_row(name, *_connector_cells(connector))
    return Group(Text.from_markup(_headline(live, restarts)), table)


def _headline(live: Mapping[str, Any], restarts: Mapping[str, int]) -> str:
    cap, drawn = live["cap_w"], live["ac_power_w"]
    cap_text = "?" if cap is None else f"{cap / 1000:.1f} kW"
    drawn_text = "?" if drawn is None else f"{drawn / 1000:.1f} kW"
    manager = "" if live["manager"] else "   [bold red]energy manager silent: commissioned shares hold[/]"
    again = "".join(f"   {name} restarted {count}×" for name, count in restarts.items())
    return f"Cap [bold]{cap_text}[/]   measured at the grid [bold]{drawn_text}[/]{manager}[dim]{again}[/]"


def _connector_cells(connector: Mapping[str, Any]) -> tuple[str, ...]:
    if not connector["charging"]:
        return ("–", "–", "–", _percent(connector["soc_percent"]))
    return (
        f"{connector['power_w'] / 1000:.1f} kW",
        f"{connector['current_a']} A",
        f"{connector['available_a']} A",
        _percent(connector["soc_percent"]),
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} %"


def console() -> Console:
    """Where the screen is drawn; plain lines when the output is no terminal."""
    return Console(highlight=False)
