"""`powerctl check`: a whole station file, validated, and what the station will do in words."""

from __future__ import annotations

import sys
from pathlib import Path

from edge.control import settings as edge_settings
from edge.uplink.settings import UplinkSettings
from powerctl.app import manager_settings
from powerctl.app.manager_settings import ManagerSettings
from powerctl.runtime.settings import Section, load
from powerctl.runtime.station import StationSettings

SECTIONS: dict[str, type[Section]] = {
    "station": StationSettings,
    "manager": ManagerSettings,
    "edge": edge_settings.EdgeSettings,
    "uplink": UplinkSettings,
}


def sentences(path: Path) -> list[str]:
    """What the station of this file will do, by program.

    Raises:
        ConfigError: The file cannot be used.
    """
    tables = load(path, SECTIONS)
    station, edge = tables["station"], tables["edge"]
    edge_settings.check(path, station, edge)
    return [
        f"{station.display_name} ({station.id}), {len(station.connectors)} connectors: the file is valid.",
        *_headed("Energy manager", manager_settings.describe(station, tables["manager"])),
        *_headed("Charging controller", edge_settings.describe(station, edge)),
        *_headed("Uplink", tables["uplink"].describe()),
    ]


def _headed(heading: str, lines: list[str]) -> list[str]:
    return ["", heading, *(f"  {line}" for line in lines)]


def main(path: Path) -> int:
    """Print the sentences; exit status 0."""
    sys.stdout.write("\n".join(sentences(path)) + "\n")
    return 0
