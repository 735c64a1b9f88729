"""What a person or a script tells a running vehicle, as JSON lines; and what it says about itself (pure)."""

from __future__ import annotations

import json
from typing import Any

from edge.sim.vehicle import Event, Plug, PressStop, SetSoc, Vehicle
from powerctl.core.errors import RemoteError


def order_from_line(line: bytes) -> Event:
    """The event that a line asks for.

    `{"do":"plug"}`, `{"do":"unplug"}`, `{"do":"stop"}` (the driver presses stop in the car), `{"do":"soc","value":85}`.

    Raises:
        RemoteError: It is none of these.
    """
    try:
        order: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RemoteError("the order is not JSON") from error
    match order:
        case {"do": "plug"}:
            return Plug(on=True)
        case {"do": "unplug"}:
            return Plug(on=False)
        case {"do": "stop"}:
            return PressStop()
        case {"do": "soc", "value": int() | float() as percent} if 0 <= percent <= 100:
            return SetSoc(float(percent))
        case _:
            raise RemoteError(f"no such order: {order!r}"[:120])


def report(vehicle: Vehicle) -> dict[str, object]:
    """The vehicle as JSON values."""
    return {
        "model": vehicle.model.name,
        "plugged": vehicle.plugged,
        "stage": vehicle.stage.value,
        "soc": round(vehicle.battery.soc_percent, 3),
        "request_a": int(vehicle.request_a),
        "i": round(vehicle.supply.current_a if vehicle.contactor else 0.0, 2),
        "v": round(vehicle.inlet_v, 1),
        "k": vehicle.k,
        "contactor": vehicle.contactor,
        "why": vehicle.why,
    }
