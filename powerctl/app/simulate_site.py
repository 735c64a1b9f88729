"""A station file as a simulation takes it."""

from __future__ import annotations

from powerctl.app.manager_settings import ManagerSettings
from powerctl.app.simulate_model import Site
from powerctl.runtime.station import StationSettings


def site_of(station: StationSettings, manager: ManagerSettings) -> Site:
    """The station as it is commissioned."""
    return Site(
        rating_w=station.rating_w,
        capabilities=station.capabilities(),
        rules=manager.allocation.rules(),
        conversion=manager.allocation.conversion(),
        aims=manager.plan.aims(),
    )
