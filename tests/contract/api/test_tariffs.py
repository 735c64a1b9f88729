"""Tariffs are written as drafts, and a published one holds for sessions that start afterwards."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from powerctl.v1 import common_pb2, location_pb2
from powerctl.v1 import tariff_pb2 as pb
from tests.contract.api.peers import Failed, Json, M
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import OPAL, describes


async def ask(api: Cloud, method: str, request: Any, response: type[M]) -> M:
    return await Json(api.web).call(f"TariffService/{method}", request, response, api.token(OPAL))


def eur(units: int, cents: int = 0) -> common_pb2.Money:
    return common_pb2.Money(currency_code="EUR", units=units, nanos=cents * 10_000_000)


def draft(**more: Any) -> pb.CreateTariffRequest:
    prices = {"energy_price_per_kwh": eur(0, 35), "idle_price_per_hour": eur(6), **more}
    tariff = pb.Tariff(display_name="Winter", tax_percent="25.5", tax_included=True, **prices)
    return pb.CreateTariffRequest(tariff=tariff, request_id=str(uuid.uuid4()))


async def test_a_draft_is_changed_published_and_then_stands(api: Cloud) -> None:
    await api.world.reports(describes())
    request = draft()
    made = await ask(api, "CreateTariff", request, pb.Tariff)
    again = await ask(api, "CreateTariff", request, pb.Tariff)
    assert (again.name, made.state) == (made.name, pb.TARIFF_STATE_DRAFT)
    change = pb.Tariff(name=made.name, etag=made.etag, session_fee=eur(1))
    mask = FieldMask(paths=["session_fee"])
    changed = await ask(api, "UpdateTariff", pb.UpdateTariffRequest(tariff=change, update_mask=mask), pb.Tariff)
    assert (changed.session_fee.units, changed.energy_price_per_kwh) == (1, eur(0, 35))
    with pytest.raises(Failed, match="failed_precondition"):
        await ask(api, "PublishTariff", pb.PublishTariffRequest(name=made.name, etag=made.etag), pb.Tariff)
    assert api.world.store.tariff.name == "Day"
    published = pb.PublishTariffRequest(name=made.name, etag=changed.etag)
    assert (await ask(api, "PublishTariff", published, pb.Tariff)).state == pb.TARIFF_STATE_PUBLISHED
    assert api.world.store.tariff.energy_price_per_kwh == Decimal("0.35")
    place = location_pb2.GetLocationRequest(name="locations/demo-1")
    seen = await Json(api.web).call("LocationService/GetLocation", place, location_pb2.Location, api.token(OPAL))
    assert "6.00 EUR per hour plugged in while the vehicle asks for nothing." in seen.tariff.explanation
    with pytest.raises(Failed, match="failed_precondition"):
        await ask(api, "UpdateTariff", pb.UpdateTariffRequest(tariff=change, update_mask=mask), pb.Tariff)
    with pytest.raises(Failed, match="failed_precondition"):
        await ask(api, "DeleteTariff", pb.DeleteTariffRequest(name=made.name), pb.DeleteTariffResponse)


async def test_the_former_one_retires_and_drafts_can_go(api: Cloud) -> None:
    for _ in range(2):
        made = await ask(api, "CreateTariff", draft(), pb.Tariff)
        await ask(api, "PublishTariff", pb.PublishTariffRequest(name=made.name, etag=made.etag), pb.Tariff)
    extra = await ask(api, "CreateTariff", draft(), pb.Tariff)
    await ask(api, "DeleteTariff", pb.DeleteTariffRequest(name=extra.name), pb.DeleteTariffResponse)
    listed = await ask(api, "ListTariffs", pb.ListTariffsRequest(), pb.ListTariffsResponse)
    assert [one.state for one in listed.tariffs] == [pb.TARIFF_STATE_PUBLISHED, pb.TARIFF_STATE_RETIRED]
    with pytest.raises(Failed, match="not_found"):
        await ask(api, "GetTariff", pb.GetTariffRequest(name=extra.name), pb.Tariff)


@pytest.mark.parametrize(
    "more",
    [
        {"energy_price_per_kwh": common_pb2.Money(currency_code="USD", units=1)},
        {"energy_price_per_kwh": eur(-1)},
        {"session_fee": eur(20_000)},
    ],
)
async def test_prices_that_cannot_be_are_refused(api: Cloud, more: dict[str, Any]) -> None:
    with pytest.raises(Failed, match="invalid_argument"):
        await ask(api, "CreateTariff", draft(**more), pb.Tariff)
