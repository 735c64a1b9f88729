"""`powerctl check`: a whole station file, validated, and what the station will do in words."""

from __future__ import annotations

import sys
from pathlib import Path

from edge.control import settings as edge_settings
from edge.uplink.settings import UplinkSettings
from powerctl.app import manager_settings, simulate_check
from powerctl.app.manager_settings import ManagerSettings
from powerctl.app.simulate_site import site_of
from powerctl.core.units import Power
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
    manager_settings.check(station, tables["manager"])
    return [
        f"{station.display_name} ({station.id}), {len(station.connectors)} connectors: the file is valid.",
        *_headed("Energy manager", manager_settings.describe(station, tables["manager"])),
        *_headed("At night", night(station, tables["manager"])),
        *_headed("Charging controller", edge_settings.describe(station, edge)),
        *_headed("Uplink", tables["uplink"].describe()),
    ]


def night(station: StationSettings, manager: ManagerSettings) -> list[str]:
    """What is different when nobody is there: nothing but what somebody has written."""
    slots = [slot for slot in manager.grid.slots if slot.commissioned]
    writers = "the grid sources named above" if slots else "nobody: no grid source is commissioned"
    return [
        f"With nothing plugged in {station.display_name} draws its auxiliaries, "
        f"{Power(manager.allocation.auxiliary_w)}; every program goes on.",
        f"The limits of the day hold until they end or are changed, by {writers}.",
        "A vehicle that is plugged in may charge whenever it is started; the clock forbids nothing by itself.",
    ]


def _headed(heading: str, lines: list[str]) -> list[str]:
    return ["", heading, *(f"  {line}" for line in lines)]


def hard_cases(path: Path) -> tuple[list[str], bool]:
    """One sentence for each of the hard cases, and whether the station passed them all.

    Raises:
        ConfigError: The file cannot be used.
    """
    tables = load(path, SECTIONS)
    results = simulate_check.failures(site_of(tables["station"], tables["manager"]))
    lines = [f"{name}: {'passed' if flaw is None else f'FAILED, {flaw}'}." for name, flaw in results]
    return _headed("Hard cases, simulated", lines), all(flaw is None for _, flaw in results)


def main(path: Path) -> int:
    """Print the sentences and play the hard cases; exit status 0, or 1 when one of them failed."""
    sys.stdout.write("\n".join(sentences(path)) + "\n")
    sys.stdout.flush()
    if sys.stderr.isatty():
        sys.stderr.write("Playing the hard cases …\n")
    lines, passed = hard_cases(path)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if passed else 1
