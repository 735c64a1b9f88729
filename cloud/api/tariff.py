"""TariffService: prices as drafts, and the one that holds from now on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final

from cloud.api import names, paging
from cloud.api.approving import Approving
from cloud.api.call import Call
from cloud.api.charging import require_request_id
from cloud.api.encode import money
from cloud.domain.money import Money
from cloud.domain.price_words import headline
from cloud.domain.refusal import Refusal, Why
from cloud.domain.tariff import Component, Dimension, Element, ReservationRestriction, Restrictions, Tariff
from cloud.store import tariffs
from cloud.store.store import Store
from cloud.store.tariffs import TariffState, WrittenTariff
from powerctl.v1 import common_pb2
from powerctl.v1 import tariff_pb2 as pb
from powerctl.wire.common import EnumCodec, time_to_wire

STATE: Final = EnumCodec(TariffState, pb.TariffState, "TARIFF_STATE")
PUBLISH: Final = "/powerctl.v1.TariffService/PublishTariff"
HIGHEST: Final = Decimal(10_000)
_LONGEST_NAME: Final = 80
_LONGEST_DESCRIPTION: Final = 500
_PRICES: Final = (
    "energy_price_per_kwh",
    "session_fee",
    "time_price_per_hour",
    "idle_price_per_hour",
    "reservation_price_per_hour",
    "hold",
)
_FIELDS: Final = frozenset({*_PRICES, "display_name", "tax_percent", "tax_included", "description"})


@dataclass(frozen=True, slots=True)
class TariffService:
    """Writes and publishes tariffs."""

    store: Store
    approving: Approving

    async def get_tariff(self, request: pb.GetTariffRequest, call: Call) -> pb.Tariff:
        """One tariff."""
        async with self.store.database.read() as connection:
            found = await tariffs.load(connection, names.parse_one(request.name, "tariffs"))
        return _encoded(_there(found))

    async def list_tariffs(self, request: pb.ListTariffsRequest, call: Call) -> pb.ListTariffsResponse:
        """Tariffs, newest first."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        async with self.store.database.read() as connection:
            found, following = await tariffs.page(connection, before=before, size=size)
        return pb.ListTariffsResponse(tariffs=map(_encoded, found), next_page_token=paging.token_of(following))

    async def create_tariff(self, request: pb.CreateTariffRequest, call: Call) -> pb.Tariff:
        """A draft."""
        require_request_id(request.request_id)
        tariff = _tariff(request.tariff, self.store.tariff)
        async with self.store.write() as writing:
            known = await tariffs.asked(writing.connection, request.request_id)
            if known is None:
                known = WrittenTariff(self.store.new_id(), TariffState.DRAFT, tariff, writing.now)
                await tariffs.add(writing.connection, known, request.request_id)
            elif known.state is TariffState.DRAFT and known.tariff != tariff:
                raise Refusal(Why.ALREADY_EXISTS, "This request_id was used for another request; make a new one.")
        return _encoded(known)

    async def update_tariff(self, request: pb.UpdateTariffRequest, call: Call) -> pb.Tariff:
        """Changes a draft."""
        name = names.parse_one(request.tariff.name, "tariffs")
        mask = frozenset(request.update_mask.paths) or _FIELDS
        if unknown := sorted(mask - _FIELDS):
            raise Refusal(Why.INVALID_ARGUMENT, f"update_mask: {unknown[0]} cannot be changed.")
        async with self.store.write() as writing:
            before = _draft(await tariffs.load(writing.connection, name), request.tariff.etag)
            merged = _encoded(before)
            for field in mask:
                _copy(request.tariff, merged, field)
            after = replace(before, tariff=_tariff(merged, before.tariff))
            await tariffs.change(writing.connection, name, after.tariff)
        return _encoded(after)

    async def delete_tariff(self, request: pb.DeleteTariffRequest, call: Call) -> pb.DeleteTariffResponse:
        """Removes a draft."""
        name = names.parse_one(request.name, "tariffs")
        async with self.store.write() as writing:
            _draft(await tariffs.load(writing.connection, name), "")
            await tariffs.remove(writing.connection, name)
        return pb.DeleteTariffResponse()

    async def publish_tariff(self, request: pb.PublishTariffRequest, call: Call) -> pb.Tariff:
        """From now on this tariff holds."""
        name = names.parse_one(request.name, "tariffs")
        if not request.etag:
            raise Refusal(Why.INVALID_ARGUMENT, "etag: say which draft you have seen.")
        asking = self.approving.of(PUBLISH, request, call)
        async with asking as question, self.store.write() as writing:
            found = _draft(await tariffs.load(writing.connection, name), request.etag)
            price = f"{found.tariff.energy_price_per_kwh} {found.tariff.currency} per kWh"
            await question.approved(writing.connection, f"Publish the tariff {found.tariff.name}: {price}.")
            await tariffs.publish(writing.connection, name, writing.now)
            after = replace(found, state=TariffState.PUBLISHED, publish_time=writing.now)
        await self.store.hear_tariff()
        return _encoded(after)


def _there(found: WrittenTariff | None) -> WrittenTariff:
    if found is None:
        raise Refusal(Why.NOT_FOUND, "There is no such tariff.")
    return found


def _draft(found: WrittenTariff | None, etag: str) -> WrittenTariff:
    """The tariff, when it may be changed by who has seen it like that."""
    draft = _there(found)
    if draft.state is not TariffState.DRAFT:
        raise Refusal(Why.FAILED_PRECONDITION, "A published tariff does not change: write another one.")
    if etag and etag != draft.etag:
        raise Refusal(Why.FAILED_PRECONDITION, "The draft has changed since you saw it. Look again.")
    return draft


def _copy(source: pb.Tariff, target: pb.Tariff, field: str) -> None:
    if field in _PRICES:
        target.ClearField(field)  # type: ignore[arg-type]
        if source.HasField(field):  # type: ignore[arg-type]
            getattr(target, field).CopyFrom(getattr(source, field))
    else:
        setattr(target, field, getattr(source, field))


def _tariff(message: pb.Tariff, base: Tariff) -> Tariff:
    """The tariff in `message`; currency and zone are those of the house. Raises Refusal: INVALID_ARGUMENT."""
    price = {name: _price(message, name, base.currency) for name in _PRICES}
    if not 0 < len(message.display_name.strip()) <= _LONGEST_NAME:
        raise Refusal(Why.INVALID_ARGUMENT, f"display_name must have 1 to {_LONGEST_NAME} characters.")
    if len(message.description) > _LONGEST_DESCRIPTION:
        raise Refusal(Why.INVALID_ARGUMENT, f"description has at most {_LONGEST_DESCRIPTION} characters.")
    if not message.HasField("energy_price_per_kwh"):
        raise Refusal(Why.INVALID_ARGUMENT, "energy_price_per_kwh is missing; it may be zero.")
    return Tariff(
        name=message.display_name.strip(),
        currency=base.currency,
        energy_price_per_kwh=price["energy_price_per_kwh"],
        session_fee=price["session_fee"],
        tax_percent=_percent(message.tax_percent),
        tax_included=message.tax_included,
        description=message.description,
        elements=_elements(price),
        time_zone=base.time_zone,
        preauthorize_amount=price["hold"],
    )


def _elements(price: dict[str, Decimal]) -> tuple[Element, ...]:
    priced = (
        (Dimension.ENERGY, price["energy_price_per_kwh"]),
        (Dimension.FLAT, price["session_fee"]),
        (Dimension.TIME, price["time_price_per_hour"]),
        (Dimension.PARKING_TIME, price["idle_price_per_hour"]),
    )
    components = tuple(Component(kind, each) for kind, each in priced if each or kind is Dimension.ENERGY)
    elements = [Element(components)]
    if kept := price["reservation_price_per_hour"]:
        restricted = Restrictions(reservation=ReservationRestriction.RESERVATION)
        elements.append(Element((Component(Dimension.TIME, kept),), restricted))
    return tuple(elements)


def _price(message: pb.Tariff, name: str, currency: str) -> Decimal:
    found: common_pb2.Money = getattr(message, name)
    amount = Decimal(found.units) + Decimal(found.nanos).scaleb(-9)
    if not 0 <= amount <= HIGHEST:
        raise Refusal(Why.INVALID_ARGUMENT, f"{name} must be 0 to {HIGHEST}.")
    if amount and found.currency_code != currency:
        raise Refusal(Why.INVALID_ARGUMENT, f"{name} must be in {currency}.")
    return amount.normalize() if amount else Decimal(0)


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text or "0")
    except InvalidOperation as error:
        raise Refusal(Why.INVALID_ARGUMENT, "tax_percent must be a decimal number.") from error
    if not percent.is_finite() or not 0 <= percent <= 100:
        raise Refusal(Why.INVALID_ARGUMENT, "tax_percent must be 0 to 100.")
    return percent


def _encoded(value: WrittenTariff) -> pb.Tariff:
    tariff, short = value.tariff, headline(value.tariff)
    message = pb.Tariff(
        name=f"tariffs/{value.id}",
        display_name=tariff.name,
        state=STATE.to_wire(value.state),
        tax_percent=f"{tariff.tax_percent:f}",
        tax_included=tariff.tax_included,
        description=tariff.description,
        create_time=time_to_wire(value.create_time),
        etag=value.etag,
    )
    message.energy_price_per_kwh.CopyFrom(money(Money(tariff.currency, tariff.energy_price_per_kwh)))
    prices = {
        "session_fee": short.session_fee,
        "time_price_per_hour": short.time_per_hour,
        "idle_price_per_hour": short.idle_per_hour,
        "reservation_price_per_hour": short.reservation_per_hour,
        "hold": tariff.preauthorize_amount,
    }
    for name, amount in prices.items():
        if amount:
            getattr(message, name).CopyFrom(money(Money(tariff.currency, amount)))
    if value.publish_time is not None:
        message.publish_time.CopyFrom(time_to_wire(value.publish_time))
    return message
