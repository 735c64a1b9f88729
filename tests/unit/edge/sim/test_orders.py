from __future__ import annotations

import json

import pytest

from edge.sim.models import MODELS
from edge.sim.orders import order_from_line, report
from edge.sim.vehicle import Event, Plug, PressStop, SetSoc, advance, parked
from powerctl.core.clock import Monotonic
from powerctl.core.errors import RemoteError


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b'{"do":"plug"}', Plug(on=True)),
        (b'{"do":"unplug"}', Plug(on=False)),
        (b'{"do":"stop"}', PressStop()),
        (b'{"do":"soc","value":85}', SetSoc(85.0)),
    ],
)
def test_orders(line: bytes, event: Event) -> None:
    assert order_from_line(line) == event


@pytest.mark.parametrize(
    "line", [b"", b"plug", b"[]", b'{"do":"fly"}', b'{"do":"soc"}', b'{"do":"soc","value":101}', b"[" * 3000]
)
def test_what_is_no_order_is_refused(line: bytes) -> None:
    with pytest.raises(RemoteError):
        order_from_line(line)


def test_a_report_is_json_with_what_a_person_wants_to_know() -> None:
    vehicle = advance(parked(MODELS["outlander"], 33.0), Plug(on=True), Monotonic(0.0))
    said = json.loads(json.dumps(report(vehicle)))
    assert (said["model"], said["plugged"], said["soc"], said["stage"]) == ("outlander", True, 33.0, "asleep")
