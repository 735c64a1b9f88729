"""The station's limits, its plan and its flexibility between protobuf and the domain.

Every `*_from_wire` raises `RemoteError` on a message that the domain cannot hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from powerctl.core.errors import RemoteError
from powerctl.core.record import FlexibilitySpan, PlanState, PlanStatus, StationLimits
from powerctl.v1 import common_pb2 as pb
from powerctl.wire.common import (
    LIMIT_SOURCE,
    MAX_TEXT,
    EnumCodec,
    limit_to_wire,
    limits_from_wire,
    power_from_wire,
    text_from_wire,
    time_from_wire,
    time_to_wire,
)

MAX_SPANS: Final = 32
"""Most spans that are taken from a peer."""
MAX_HOURS: Final = 48
MAX_PRICE: Final = 1e6
_MAX_W: Final = 10**8
_MAX_S: Final = 7 * 86_400

PLAN_STATE: Final = EnumCodec(PlanState, pb.PlanState, "PLAN_STATE")


def station_limits_to_wire(limits: StationLimits) -> pb.StationLimits:
    """`limits` as a message."""
    message = pb.StationLimits(
        cap_w=limits.cap.w,
        source=LIMIT_SOURCE.to_wire(limits.source),
        detail=limits.detail,
        sources=[limit_to_wire(limit) for limit in limits.sources],
        plan=_plan_to_wire(limits.plan) if limits.plan is not None else None,
        flexibility=[_span_to_wire(span) for span in limits.flexibility],
        hourly_price=limits.hourly_price,
        price_currency=limits.price_currency,
    )
    if limits.until is not None:
        message.expire_time.CopyFrom(time_to_wire(limits.until))
    return message


def station_limits_from_wire(message: pb.StationLimits) -> StationLimits:
    """The station's limits in `message`.

    Raises:
        RemoteError: One of its fields is not acceptable.
    """
    if len(message.flexibility) > MAX_SPANS:
        raise RemoteError(f"{len(message.flexibility)} spans of flexibility, at most {MAX_SPANS} are taken")
    return StationLimits(
        cap=power_from_wire(message.cap_w, "station cap"),
        source=LIMIT_SOURCE.from_wire(message.source),
        detail=text_from_wire(message.detail, "station limit detail"),
        until=time_from_wire(message.expire_time, "station limit expiry") if message.HasField("expire_time") else None,
        sources=limits_from_wire(message.sources),
        plan=_plan_from_wire(message.plan) if message.HasField("plan") else None,
        flexibility=tuple(_span_from_wire(span) for span in message.flexibility),
        hourly_price=_prices_from_wire(message.hourly_price),
        price_currency=text_from_wire(message.price_currency, "price currency")[:3],
    )


def _prices_from_wire(prices: Sequence[float]) -> tuple[float, ...]:
    if len(prices) > MAX_HOURS or not all(abs(price) <= MAX_PRICE for price in prices):
        raise RemoteError(f"prices: at most {MAX_HOURS} of at most {MAX_PRICE:g} are taken")
    return tuple(prices)


def _plan_to_wire(plan: PlanStatus) -> pb.PlanStatus:
    return pb.PlanStatus(
        state=PLAN_STATE.to_wire(plan.state), detail=plan.detail[:MAX_TEXT], since_time=time_to_wire(plan.since)
    )


def _plan_from_wire(message: pb.PlanStatus) -> PlanStatus:
    return PlanStatus(
        PLAN_STATE.from_wire(message.state),
        text_from_wire(message.detail, "plan detail"),
        time_from_wire(message.since_time, "plan time"),
    )


def _span_to_wire(span: FlexibilitySpan) -> pb.FlexibilitySpan:
    return pb.FlexibilitySpan(
        begin_s=span.begin_s,
        expected_w=span.expected_w,
        down_w=span.down_w,
        up_w=span.up_w,
        confidence_percent=span.confidence_percent,
        down_ac_w=span.down_ac_w,
        up_ac_w=span.up_ac_w,
    )


def _span_from_wire(message: pb.FlexibilitySpan) -> FlexibilitySpan:
    most = max(message.expected_w, message.down_w, message.up_w, message.down_ac_w, message.up_ac_w)
    if most > _MAX_W or message.begin_s > _MAX_S or message.confidence_percent > 100:
        raise RemoteError("flexibility: a figure out of range")
    return FlexibilitySpan(
        message.begin_s,
        message.expected_w,
        message.down_w,
        message.up_w,
        message.confidence_percent,
        message.down_ac_w if message.HasField("down_ac_w") else None,
        message.up_ac_w if message.HasField("up_ac_w") else None,
    )
