"""Values of a station as the API gives them, for pages that a test plays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from powerctl.v1 import common_pb2, location_pb2, receipt_pb2, session_pb2

STATION: Final = "locations/harbour"
LEFT: Final = f"{STATION}/evses/1/connectors/1"
RIGHT: Final = f"{STATION}/evses/2/connectors/2"
PRICE: Final = common_pb2.Money(currency_code="EUR", nanos=295_000_000)


def at(message: object, name: str, ago_s: float = 0) -> None:
    """Set a timestamp field to `ago_s` seconds before now."""
    getattr(message, name).FromDatetime(datetime.now(UTC) - timedelta(seconds=ago_s))


def limit(source: int, watts: float, detail: str = "", *, for_s: float | None = None) -> common_pb2.Limit:
    """One bound; `for_s` seconds from now it ends."""
    value = common_pb2.Limit(source=source, limit_w=watts, detail=detail)  # type: ignore[arg-type]
    if for_s is not None:
        at(value, "expire_time", -for_s)
    return value


def live(
    state: int,
    *,
    power: float = 0,
    limit_w: float = 0,
    soc: float | None = None,
    session: str = "",
    why: str = "",
    reasons: Sequence[common_pb2.Limit] = (),
    energy: float = 0,
    age_s: float = 0,
) -> location_pb2.ConnectorLive:
    """What a connector does."""
    voltage = 391.0 if power else 0.0
    value = location_pb2.ConnectorLive(
        state=state,  # type: ignore[arg-type]
        session=session,
        power_w=power,
        voltage_v=voltage,
        current_a=power / voltage if voltage else 0,
        soc_percent=soc,
        session_energy_wh=energy,
        limit_w=limit_w,
        reasons=reasons,
        target_w=power,
        why=why,
    )
    at(value, "measure_time", age_s)
    return value


def location(
    left: location_pb2.ConnectorLive,
    right: location_pb2.ConnectorLive,
    *,
    ac: float,
    cap: float = 22_000,
    source: int = common_pb2.LIMIT_SOURCE_HARDWARE,
    detail: str = "The station's rating.",
    online: bool = True,
    manager: bool = True,
    until_s: float | None = None,
) -> location_pb2.Location:
    """The station with both connectors."""
    rating = limit(common_pb2.LIMIT_SOURCE_HARDWARE, 22_000, "The station's rating.")
    binding = limit(source, cap, detail, for_s=until_s)
    limits = common_pb2.StationLimits(cap_w=cap, source=source, detail=detail)  # type: ignore[arg-type]
    if until_s is not None:
        at(limits, "expire_time", -until_s)
    limits.sources.extend([rating] if source == rating.source else [binding, rating])
    value = location_pb2.Location(
        name=STATION,
        display_name="Harbour Street 4",
        address="Satamakatu 4, Helsinki",
        online=online,
        simulated=True,
        manager_connected=manager,
        ac_power_w=ac,
        station_limits=limits,
        evses=[_evse(LEFT, "left", 1, left), _evse(RIGHT, "right", 2, right)],
        tariff=location_pb2.TariffSummary(name="Day", energy_price_per_kwh=PRICE, tax_included=True),
    )
    at(value, "last_seen_time", 0 if online else 300)
    return value


def _evse(name: str, position: str, kind: int, values: location_pb2.ConnectorLive) -> location_pb2.Evse:
    connector = location_pb2.Connector(
        name=name,
        type=kind,  # type: ignore[arg-type]
        max_power_w=22_000,
        position=position,
        live=values,
    )
    return location_pb2.Evse(name=name.rsplit("/connectors", 1)[0], connectors=[connector])


def session(
    name: str,
    connector: str,
    state: int,
    *,
    energy: int = 0,
    cents: int = 0,
    stoppable: bool = False,
    receipt: str = "",
    detail: str = "",
    ago_s: float = 600,
) -> session_pb2.Session:
    """One session."""
    value = session_pb2.Session(
        name=f"sessions/{name}",
        connector=connector,
        state=state,  # type: ignore[arg-type]
        energy_wh=energy,
        cost=money(cents),
        stoppable=stoppable,
        receipt=receipt,
        detail=detail,
    )
    at(value, "plug_in_time", ago_s)
    at(value, "start_time", ago_s)
    at(value, "update_time")
    return value


def money(cents: int) -> common_pb2.Money:
    """Euros."""
    return common_pb2.Money(currency_code="EUR", units=cents // 100, nanos=cents % 100 * 10_000_000)


def receipt(name: str = "receipts/r-1042") -> receipt_pb2.Receipt:
    """A receipt over 12.345 kWh."""
    line = receipt_pb2.ReceiptLine(
        description="Energy", quantity="12.345", unit="kWh", unit_price=PRICE, amount=money(364)
    )
    value = receipt_pb2.Receipt(
        name=name,
        session="sessions/s-1",
        connector=LEFT,
        energy_wh=12_345,
        meter_serial="SIM-0001",
        start_register_wh=1_204_310,
        end_register_wh=1_216_655,
        lines=[line],
        total=money(364),
        stop_reason=common_pb2.STOP_REASON_DRIVER,
        location_display_name="Harbour Street 4",
        tariff_name="Day",
        tax_included=True,
        simulated=True,
        number=1042,
    )
    value.duration.FromTimedelta(timedelta(minutes=47))
    at(value, "start_time", 2820)
    at(value, "end_time")
    at(value, "issue_time")
    return value
