"""Row 61: a refund above a limit, a tariff, a dispatch to the fleet: nobody does it alone who need not be alone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from cloud.domain.approval import MOST_PENDING, Required, Rules
from cloud.domain.principal import Principal, Role
from cloud.store import people
from powerctl.core.ids import StationId
from powerctl.core.record import StationLimits
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power
from powerctl.v1 import approval_pb2 as pb
from powerctl.v1 import audit_pb2, common_pb2, identity_pb2, receipt_pb2, tariff_pb2, user_pb2, utility_pb2
from powerctl.wire.common import time_to_wire
from tests.checklist.crowd import ADMIN, Crowd
from tests.contract.api.peers import Failed
from tests.contract.api.test_money import charge
from tests.contract.api.test_tariffs import draft
from tests.unit.cloud.api_world import cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import describes, telemetry

BILL, VERA = (Principal(name, name.title(), Role.BILLING) for name in ("bill", "vera"))
UMA, URHO = (Principal(name, name.title(), Role.UTILITY) for name in ("uma", "urho"))
ROLES = {Role.BILLING: identity_pb2.ROLE_BILLING, Role.UTILITY: identity_pb2.ROLE_UTILITY}
FLEET = 40
"""Stations, of which one person may dispatch to two: five per cent."""


@pytest.fixture
def rules() -> Rules:
    return Rules(refund_above=Decimal(1))


@pytest.fixture
async def crowd(files: SqliteFiles, rules: Rules) -> AsyncIterator[Crowd]:
    async with cloud(await files.new(), paid=True, rules=rules) as running:
        await running.world.reports(describes())
        yield Crowd(running)


async def employed(crowd: Crowd, *who: Principal) -> None:
    for one in who:
        await crowd.create(one.user, ROLES[one.role])


async def drafted(crowd: Crowd) -> tariff_pb2.Tariff:
    return await crowd.ask("TariffService/CreateTariff", draft(), tariff_pb2.Tariff, BILL)


async def publish(crowd: Crowd, tariff: tariff_pb2.Tariff, who: Principal = BILL) -> tariff_pb2.Tariff:
    request = tariff_pb2.PublishTariffRequest(name=tariff.name, etag=tariff.etag)
    return await crowd.ask("TariffService/PublishTariff", request, tariff_pb2.Tariff, who)


async def waits(crowd: Crowd, call: Any) -> pb.Approval:
    """What the call leaves waiting; it does nothing else."""
    with pytest.raises(Failed, match="second person") as failed:
        await call
    assert failed.value.code == "failed_precondition"
    listed = await crowd.ask(
        "ApprovalService/ListApprovals", pb.ListApprovalsRequest(), pb.ListApprovalsResponse, ADMIN
    )
    assert listed.approvals[0].name in failed.value.message
    return listed.approvals[0]


async def approve(crowd: Crowd, approval: pb.Approval, who: Principal) -> pb.Approval:
    request = pb.ApproveApprovalRequest(name=approval.name)
    return await crowd.ask("ApprovalService/ApproveApproval", request, pb.Approval, who)


def in_force(crowd: Crowd) -> str:
    return crowd.api.world.store.tariff.name


async def test_row_61_a_tariff_is_published_by_two_and_not_by_an_admin(crowd: Crowd) -> None:
    await employed(crowd, BILL, VERA)
    tariff = await drafted(crowd)
    waiting = await waits(crowd, publish(crowd, tariff))
    assert (waiting.requester, waiting.state) == ("users/bill", pb.APPROVAL_STATE_PENDING)
    assert "Winter" in waiting.summary
    for alone in (BILL, ADMIN, UMA):
        with pytest.raises(Failed, match=r"permission_denied|not_found"):
            await approve(crowd, waiting, alone)
    assert in_force(crowd) == "Day"
    assert (await approve(crowd, waiting, VERA)).state == pb.APPROVAL_STATE_DONE
    assert in_force(crowd) == "Winter"
    entries = await crowd.ask(
        "AuditService/ListAuditEntries",
        audit_pb2.ListAuditEntriesRequest(),
        audit_pb2.ListAuditEntriesResponse,
        ADMIN,
    )
    told = [(one.user, one.method.rpartition("/")[2], one.result) for one in entries.audit_entries]
    assert ("vera", "ApproveApproval", "ok") in told
    assert ("bill", "PublishTariff", "failed_precondition") in told
    assert ("bill", "PublishTariff", "ok") not in told


async def test_row_61_who_is_alone_is_not_stopped(crowd: Crowd) -> None:
    await employed(crowd, BILL)
    assert (await publish(crowd, await drafted(crowd))).state == tariff_pb2.TARIFF_STATE_PUBLISHED


@pytest.mark.parametrize("rules", [Rules(required=Required.ALWAYS)])
async def test_row_61_where_it_is_always_required_one_alone_does_nothing(crowd: Crowd) -> None:
    await employed(crowd, BILL)
    await waits(crowd, publish(crowd, await drafted(crowd)))
    assert in_force(crowd) == "Day"


@pytest.mark.parametrize("rules", [Rules(required=Required.NEVER)])
async def test_row_61_where_it_is_never_required_one_of_two_does_it(crowd: Crowd) -> None:
    await employed(crowd, BILL, VERA)
    await publish(crowd, await drafted(crowd))


async def test_row_61_who_has_left_counts_for_nobody(crowd: Crowd) -> None:
    await employed(crowd, BILL, VERA)
    tariff = await drafted(crowd)
    waiting = await waits(crowd, publish(crowd, tariff))
    gone = user_pb2.User(name="users/bill", disabled=True)
    request = user_pb2.UpdateUserRequest(user=gone)
    request.update_mask.paths.append("disabled")
    await crowd.ask("UserService/UpdateUser", request, user_pb2.User, ADMIN)
    failed = await approve(crowd, waiting, VERA)
    assert (failed.state, in_force(crowd)) == (pb.APPROVAL_STATE_FAILED, "Day")
    # Vera is alone now.
    await publish(crowd, tariff, VERA)


def credit(receipt: receipt_pb2.Receipt, cents: int) -> receipt_pb2.CreateCreditRequest:
    amount = common_pb2.Money(currency_code="EUR", units=cents // 100, nanos=cents % 100 * 10_000_000)
    return receipt_pb2.CreateCreditRequest(
        receipt=receipt.name, amount=amount, reason="Spoilt", request_id=str(uuid.uuid4())
    )


async def test_row_61_a_refund_above_the_limit_needs_two_in_one_piece_or_many(crowd: Crowd) -> None:
    await employed(crowd, BILL, VERA)
    receipt = await charge(crowd.api, crowd.peer)

    async def give_back(request: receipt_pb2.CreateCreditRequest) -> receipt_pb2.Credit:
        return await crowd.ask("ReceiptService/CreateCredit", request, receipt_pb2.Credit, BILL)

    await waits(crowd, give_back(credit(receipt, 101)))
    assert (await give_back(credit(receipt, 60))).total.nanos == -600_000_000
    assert crowd.api.payments is not None
    crowd.api.world.clock.advance(30)
    await crowd.api.payments.tick()
    more = credit(receipt, 60)
    waiting = await waits(crowd, give_back(more))
    assert (await waits(crowd, give_back(more))).name == waiting.name, "the same request waits once"
    assert (await approve(crowd, waiting, VERA)).state == pb.APPROVAL_STATE_DONE
    assert (await give_back(more)).total.nanos == -600_000_000, "it was done; asking again says so"
    for again in (VERA, BILL):
        with pytest.raises(Failed, match="failed_precondition"):
            await approve(crowd, waiting, again)
    listed = await crowd.ask(
        "ReceiptService/ListCredits",
        receipt_pb2.ListCreditsRequest(receipt=receipt.name),
        receipt_pb2.ListCreditsResponse,
        BILL,
    )
    assert len(listed.credits) == 2


async def built(crowd: Crowd) -> None:
    limit = Limit(LimitSource.HARDWARE, Power.from_kw(22), "The station is built for it.")
    limits = StationLimits(limit.limit, limit.source, limit.detail, None, (limit,))
    for number in range(FLEET):
        name = StationId(f"ST-{number}")
        await crowd.api.world.reports(replace(describes(), boot_id=name), telemetry(limits=limits), station=name)


def cap(crowd: Crowd, *numbers: int) -> utility_pb2.CreateFleetCapRequest:
    end = crowd.api.world.clock.utc() + timedelta(hours=1)
    wanted = utility_pb2.FleetCap(
        cap_w=10_000, end_time=time_to_wire(end), stations=[f"stations/ST-{number}" for number in numbers]
    )
    return utility_pb2.CreateFleetCapRequest(fleet_cap=wanted, request_id=str(uuid.uuid4()))


async def test_row_61_a_command_to_more_than_five_percent_of_the_fleet_needs_two(crowd: Crowd) -> None:
    await employed(crowd, UMA, URHO)
    await built(crowd)
    sent = crowd.api.notebook.sent

    async def dispatch(request: utility_pb2.CreateFleetCapRequest) -> utility_pb2.FleetCap:
        return await crowd.ask("UtilityService/CreateFleetCap", request, utility_pb2.FleetCap, UMA)

    await waits(crowd, dispatch(cap(crowd, *range(FLEET))))
    await waits(crowd, dispatch(cap(crowd, 1, 2, 3)))
    assert sent == []
    for number in (1, 2):
        await dispatch(cap(crowd, number))
    waiting = await waits(crowd, dispatch(cap(crowd, 3)))
    assert [station for station, _ in sent] == ["ST-1", "ST-2"], "one by one the fleet is not reached either"
    with pytest.raises(Failed, match="permission_denied"):
        await approve(crowd, waiting, UMA)
    assert (await approve(crowd, waiting, URHO)).state == pb.APPROVAL_STATE_DONE
    assert [station for station, _ in sent] == ["ST-1", "ST-2", "ST-3"]


async def test_row_61_what_nobody_decides_expires_and_what_is_rejected_is_over(crowd: Crowd) -> None:
    await employed(crowd, BILL, VERA)
    tariff = await drafted(crowd)
    waiting = await waits(crowd, publish(crowd, tariff))
    no = pb.RejectApprovalRequest(name=waiting.name, detail="Too dear.")
    rejected = await crowd.ask("ApprovalService/RejectApproval", no, pb.Approval, VERA)
    assert (rejected.state, rejected.detail, rejected.decided_by) == (pb.APPROVAL_STATE_REJECTED, "Too dear.", "vera")
    second = await waits(crowd, publish(crowd, tariff))
    assert second.name != waiting.name
    crowd.api.world.clock.advance(24 * 3600.0)
    for old in (waiting, second):
        with pytest.raises(Failed, match="failed_precondition"):
            await approve(crowd, old, VERA)
    assert in_force(crowd) == "Day"


async def test_row_61_one_person_does_not_fill_the_list(crowd: Crowd) -> None:
    await employed(crowd, BILL, VERA)
    receipt = await charge(crowd.api, crowd.peer)
    for _ in range(MOST_PENDING):
        with pytest.raises(Failed, match="second person"):
            await crowd.ask("ReceiptService/CreateCredit", credit(receipt, 101), receipt_pb2.Credit, BILL)
    with pytest.raises(Failed, match="resource_exhausted"):
        await crowd.ask("ReceiptService/CreateCredit", credit(receipt, 101), receipt_pb2.Credit, BILL)
    async with crowd.api.world.store.database.read() as connection:
        assert await people.is_there_another(connection, "bill", [Role.BILLING])
