"""The simulated stations around the demo's own, as data: where they stand and what they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from powerctl.app.demo.ports import HOST
from powerctl.runtime.settings import TlsFiles


@dataclass(frozen=True, slots=True)
class Place:
    """One neighbour."""

    station: str
    display_name: str
    address: str
    latitude: float
    longitude: float
    power_w: float = 22_000.0
    types: tuple[str, ...] = ("chademo", "chademo")


PLACES: Final = (
    Place("sim-porvoo", "Porvoo, old town", "Simulated neighbour", 60.394, 25.66),
    Place("sim-lohja", "Lohja, lakeside", "Simulated neighbour", 60.25, 24.07, types=("chademo", "ccs")),
    Place("sim-hameenlinna", "Hämeenlinna, castle", "Simulated neighbour", 61.0, 24.46, 50_000.0, ("chademo", "ccs")),
    Place("sim-turku", "Turku, market square", "Simulated neighbour", 60.45, 22.27),
    Place("sim-hanko", "Hanko, pier", "Simulated neighbour", 59.82, 22.97, 11_000.0),
)


def table(certificates: dict[str, TlsFiles], port: int) -> list[dict[str, Any]]:
    """What `powerctl.app.demo.neighbourhood` reads.

    Args:
        certificates: Of every station by its id.
        port: Of the broker.
    """
    return [
        {
            "station": place.station,
            "display_name": place.display_name,
            "address": place.address,
            "latitude": place.latitude,
            "longitude": place.longitude,
            "power_w": place.power_w,
            "types": list(place.types),
            "broker": {"host": HOST, "port": port, "tls": _files(certificates[place.station])},
        }
        for place in PLACES
    ]


def _files(tls: TlsFiles) -> dict[str, str]:
    return {"ca": str(tls.ca), "certificate": str(tls.certificate), "key": str(tls.key)}
