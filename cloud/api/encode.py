"""Domain values as messages of the public API, as far as the caller may see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from cloud.api import names
from cloud.domain.charging import stoppable
from cloud.domain.location import Connector, EvseStatus, Station, evse_status
from cloud.domain.money import Money
from cloud.domain.price_words import headline, sentences
from cloud.domain.principal import GUEST, Principal, Role
from cloud.domain.receipt import Receipt, cost_so_far
from cloud.domain.session import Session, SessionState
from cloud.domain.tariff import Price, PriceLine, Tariff
from cloud.domain.why import why
from powerctl.v1 import common_pb2, identity_pb2, location_pb2, receipt_pb2, session_pb2
from powerctl.wire.common import (
    CONNECTOR_STATE,
    CONNECTOR_TYPE,
    STOP_REASON,
    EnumCodec,
    duration_to_wire,
    limit_to_wire,
    time_to_wire,
)
from powerctl.wire.station_limits import station_limits_to_wire

SESSION_STATE: Final = EnumCodec(SessionState, session_pb2.SessionState, "SESSION_STATE")
EVSE_STATUS: Final = EnumCodec(EvseStatus, location_pb2.EvseStatus, "EVSE_STATUS")
ROLE: Final = EnumCodec(Role, identity_pb2.Role, "ROLE")
_NANO: Final = Decimal(1).scaleb(-9)


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes for any caller; holds what every location shows."""

    current: Callable[[], Tariff]
    """The tariff of now."""
    zone: tzinfo = UTC
    """In which sentences tell the time of day."""

    def location(self, station: Station, caller: Principal) -> location_pb2.Location:
        """`station` as `caller` may see it."""
        message = location_pb2.Location(
            name=names.location_name(station.id),
            display_name=station.display_name or station.id,
            address=station.address,
            latitude=station.latitude,
            longitude=station.longitude,
            evses=[self._evse(station, connector, caller) for connector in station.connectors],
            online=station.online,
            simulated=station.simulated,
            ac_power_w=station.ac_power.w if station.ac_power is not None else None,
            tariff=self.tariff_summary(),
            manager_connected=station.manager_connected,
        )
        if station.limits is not None:
            message.station_limits.CopyFrom(station_limits_to_wire(station.limits))
        _set_times(message, {"last_seen_time": station.last_seen})
        return message

    def _evse(self, station: Station, connector: Connector, caller: Principal) -> location_pb2.Evse:
        plug = location_pb2.Connector(
            name=names.connector_name(station.id, connector.id),
            max_power_w=connector.max_power.w if connector.max_power is not None else 0.0,
            position=connector.position,
        )
        if connector.type is not None:
            plug.type = CONNECTOR_TYPE.to_wire(connector.type)
        if connector.reserve_end_time is not None:
            plug.reserved_for_caller = connector.reserved_for == caller.user
            _set_times(plug, {"reserve_end_time": connector.reserve_end_time})
        if connector.state is not None:
            plug.live.CopyFrom(self._live(station, connector, caller))
        return location_pb2.Evse(
            name=names.evse_name(station.id, connector.id),
            status=EVSE_STATUS.to_wire(evse_status(station, connector)),
            connectors=[plug],
        )

    def _live(self, station: Station, connector: Connector, caller: Principal) -> location_pb2.ConnectorLive:
        message = location_pb2.ConnectorLive(why=why(station, connector, self.zone))
        if connector.state is not None:
            message.state = CONNECTOR_STATE.to_wire(connector.state)
        own = caller.sees(connector.driver, station.id)
        if own:
            message.session = names.session_name(connector.session)
        if (live := connector.live) is not None:
            message.power_w, message.voltage_v, message.current_a = live.power.w, live.voltage.v, live.current.a
            message.limit_w, message.target_w = live.limit.w, live.target.w
            message.reasons.extend(limit_to_wire(reason) for reason in live.reasons)
            if own and live.session == connector.session:
                message.session_energy_wh = live.session_energy.wh
                if live.soc_percent is not None:
                    message.soc_percent = live.soc_percent
                if live.remaining_s is not None:
                    message.remaining_duration.CopyFrom(duration_to_wire(live.remaining_s))
        _set_times(message, {"measure_time": connector.live_time})
        return message

    def tariff_summary(self) -> location_pb2.TariffSummary:
        """The price of now."""
        tariff = self.current()
        short = headline(tariff)
        message = location_pb2.TariffSummary(
            name=tariff.name,
            energy_price_per_kwh=money(Money(tariff.currency, tariff.energy_price_per_kwh)),
            description=tariff.description,
            tax_included=tariff.tax_included,
            explanation=sentences(tariff),
        )
        prices = {
            "session_fee": short.session_fee,
            "time_price_per_hour": short.time_per_hour,
            "idle_price_per_hour": short.idle_per_hour,
            "reservation_price_per_hour": short.reservation_per_hour,
        }
        if tariff.max_price is not None:
            prices["max_price"] = tariff.max_price.after_taxes or tariff.max_price.before_taxes
        for name, amount in prices.items():
            if amount:
                getattr(message, name).CopyFrom(money(Money(tariff.currency, amount)))
        return message

    def estimate(self, cost: Price, charging: timedelta) -> location_pb2.CostEstimate:
        """What charging for that long would cost."""
        return location_pb2.CostEstimate(
            total=money(cost.total),
            lines=[location_pb2.CostLine(**_line_fields(line)) for line in cost.lines],
            charge_duration=duration_to_wire(charging.total_seconds()),
        )

    def session(self, session: Session, caller: Principal, now: datetime) -> session_pb2.Session:
        """`session` as `caller` may see it, with its cost up to `now`."""
        message = session_pb2.Session(
            name=names.session_name(session.id),
            connector=names.connector_name(session.station, session.connector),
            state=SESSION_STATE.to_wire(session.state),
            energy_wh=session.energy_wh,
            receipt=names.receipt_name(session.receipt),
            receipt_number=session.receipt_number,
            detail=session.detail,
            stoppable=stoppable(session, caller),
        )
        if session.ended is not None:
            message.stop_reason = STOP_REASON.to_wire(session.ended.stop_reason)
        if (cost := cost_so_far(session, now)) is not None:
            message.cost.CopyFrom(money(cost.total))
        times = {
            "plug_in_time": session.plug_in_time,
            "start_time": session.start_time,
            "end_time": session.end_time,
            "unplug_time": session.unplug_time,
            "update_time": session.update_time,
        }
        _set_times(message, times)
        return message


def receipt(value: Receipt, number: int) -> receipt_pb2.Receipt:
    """A receipt as a message; `number` 0: it has none."""
    message = receipt_pb2.Receipt(
        number=number,
        name=names.receipt_name(value.id),
        session=names.session_name(value.session),
        connector=names.connector_name(value.station, value.connector),
        start_time=time_to_wire(value.start_time),
        end_time=time_to_wire(value.end_time),
        duration=duration_to_wire(value.duration.total_seconds()),
        energy_wh=value.energy_wh,
        meter_serial=value.meter_serial,
        start_register_wh=value.start_register_wh,
        end_register_wh=value.end_register_wh,
        lines=[_line(line) for line in value.lines],
        total=money(value.total),
        stop_reason=STOP_REASON.to_wire(value.stop_reason),
        issue_time=time_to_wire(value.issue_time),
        location_display_name=value.location_name,
        tariff_name=value.tariff.name,
        tax_included=value.tariff.tax_included,
        simulated=value.simulated,
        idle_duration=duration_to_wire(value.idle_s),
    )
    if value.net is not None:
        message.net.CopyFrom(money(value.net))
    return message


def _line(line: PriceLine) -> receipt_pb2.ReceiptLine:
    return receipt_pb2.ReceiptLine(**_line_fields(line))


def _line_fields(line: PriceLine) -> dict[str, Any]:
    return {
        "description": line.description,
        "quantity": f"{line.quantity:f}",
        "unit": line.unit,
        "unit_price": money(line.unit_price),
        "amount": money(line.amount),
    }


def money(value: Money) -> common_pb2.Money:
    """Money in units and billionths, as google.type.Money."""
    exact = value.amount.quantize(_NANO, rounding=ROUND_HALF_UP)
    units = int(exact)
    return common_pb2.Money(currency_code=value.currency, units=units, nanos=int((exact - units).scaleb(9)))


def principal(value: Principal, *, demo: bool) -> identity_pb2.Principal:
    """A principal as a message."""
    return identity_pb2.Principal(
        name=f"users/{value.user}",
        display_name=value.display_name,
        role=ROLE.to_wire(value.role),
        demo=demo,
        guest=value.user.startswith(GUEST),
    )


def _set_times(message: Any, times: Mapping[str, datetime | None]) -> None:
    for name, instant in times.items():
        if instant is not None:
            getattr(message, name).CopyFrom(time_to_wire(instant))
