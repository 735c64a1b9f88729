"""Who may call what, and what of others they see."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from cloud.api.boundary import answer, answers
from cloud.api.call import Access, Call
from cloud.api.method import Stream, methods_of
from cloud.domain.policy import POLICY
from cloud.domain.principal import Principal, Role
from cloud.domain.refusal import Refusal, Why
from powerctl.core.ids import StationId
from powerctl.v1 import location_pb2, receipt_pb2, session_pb2, watch_pb2
from tests.checklist.crowd import PEOPLE, Crowd
from tests.checklist.services import METHODS, PUBLIC_SERVICES
from tests.contract.api.peers import Failed, GrpcWeb
from tests.unit.cloud.api_world import Cloud, random_id
from tests.unit.cloud.stories import (
    ANNA,
    BERT,
    NOON,
    OPAL,
    SESSION,
    STATION,
    began,
    live,
    over,
    plugged,
    reading,
    telemetry,
    unplugged,
)

DENIED = {Why.PERMISSION_DENIED, Why.UNAUTHENTICATED}
LETTERS = {
    "D": Role.DRIVER,
    "W": Role.OWNER,
    "O": Role.OPERATOR,
    "V": Role.OPERATOR_VIEW,
    "B": Role.BILLING,
    "U": Role.UTILITY,
    "A": Role.AUDITOR,
    "M": Role.ADMIN,
}
EXPECTED = {
    "IdentityService/SignIn": "?DWOVBUAM",
    "IdentityService/SignInWithPassword": "?DWOVBUAM",
    "IdentityService/RefreshAccess": "?DWOVBUAM",
    "IdentityService/SignOut": "DWOVBUAM",
    "IdentityService/ChangePassword": "DWOVBUAM",
    "IdentityService/GetPrincipal": "DWOVBUAM",
    "LocationService/GetLocation": "DWOVBUAM",
    "LocationService/ListLocations": "DWOVBUAM",
    "SessionService/GetSession": "DWOVBA",
    "SessionService/ListSessions": "DWOVBA",
    "SessionService/StartSession": "DWO",
    "SessionService/StopSession": "DWO",
    "ReceiptService/GetReceipt": "DWOVBA",
    "ReceiptService/ListReceipts": "DWOVBA",
    "WatchService/Watch": "DWOVBUAM",
    "UserService/GetUser": "M",
    "UserService/ListUsers": "M",
    "UserService/CreateUser": "M",
    "UserService/UpdateUser": "M",
    "UserService/ResetCredentials": "M",
    "AuditService/ListAuditEntries": "OBUAM",
    "AuditService/VerifyAuditLog": "AM",
    "StationIdentityService/CreateEnrolmentToken": "M",
    "StationIdentityService/EnrolStation": "?DWOVBUAM",
    "StationIdentityService/RenewStationCertificate": "?DWOVBUAM",
    "StationIdentityService/ListStationCertificates": "M",
    "StationIdentityService/RevokeStationCertificates": "M",
    "IdentityService/SignUp": "?DWOVBUAM",
    "IdentityService/SignInAsGuest": "?DWOVBUAM",
    "LocationService/EstimateCost": "DWOVBUAM",
    "PaymentService/GetPurchase": "DWOVBA",
    "PaymentService/ListPurchases": "DWOVBA",
    "NotificationService/GetNotificationSettings": "DWOVBUAM",
    "NotificationService/UpdateNotificationSettings": "DWOVBUAM",
    "NotificationService/CreatePushSubscription": "DWOVBUAM",
    "NotificationService/ListPushSubscriptions": "DWOVBUAM",
    "NotificationService/DeletePushSubscription": "DWOVBUAM",
    "ApprovalService/GetApproval": "OBUAM",
    "ApprovalService/ListApprovals": "OBUAM",
    "ApprovalService/ApproveApproval": "OBU",
    "ApprovalService/RejectApproval": "OBU",
    "ReceiptService/DownloadReceipt": "DWOVBA",
    "ReceiptService/ListCredits": "DWOVBA",
    "ReceiptService/CreateCredit": "OB",
    "PaymentService/GetPaymentOptions": "DWOVBUAM",
    "PaymentService/CreateChargingToken": "DWO",
    "PaymentService/GetPayment": "DWOVBA",
    "PaymentService/ReleasePayment": "OB",
    "ReservationService/CreateReservation": "DWO",
    "ReservationService/GetReservation": "DWOVUA",
    "ReservationService/ListReservations": "DWOVUA",
    "ReservationService/CancelReservation": "DWO",
    "DemoService/ListActs": "DWOVBUAM",
    "DemoService/PlayAct": "DWO",
    "DemoService/ListMails": "DWOVBUAM",
    "TariffService/GetTariff": "OVBA",
    "TariffService/ListTariffs": "OVBA",
    "TariffService/CreateTariff": "OB",
    "TariffService/UpdateTariff": "OB",
    "TariffService/DeleteTariff": "OB",
    "TariffService/PublishTariff": "OB",
    "FleetService/GetStation": "WOV",
    "FleetService/ListStations": "WOV",
    "FleetService/GetFleetSummary": "WOV",
    "FleetService/ListStationEvents": "WOV",
    "FleetService/ListStationTelemetry": "WOV",
    "FleetService/ListStationDays": "WOV",
    "FleetService/ListAlarms": "WOV",
    "FleetService/GetRemoteCommand": "WOV",
    "FleetService/ListRemoteCommands": "WOV",
    "FleetService/GetConfiguration": "WOV",
    "FleetService/ListStationFiles": "WOV",
    "FleetService/DownloadStationFile": "WOV",
    "FleetService/AcknowledgeAlarm": "O",
    "FleetService/CreateRemoteCommand": "O",
    "FleetService/SetDesiredConfiguration": "O",
    "UtilityService/ListFlexibility": "OVUA",
    "UtilityService/GetFleetCap": "OVUA",
    "UtilityService/ListFleetCaps": "OVUA",
    "UtilityService/ListGridEvents": "OVUA",
    "UtilityService/ExportGridEvents": "OVUA",
    "UtilityService/CreateFleetCap": "U",
    "UtilityService/CancelFleetCap": "U",
}
"""Who is let in; `?` is a stranger. Written down a second time on purpose."""


@pytest.fixture
def crowd(api: Cloud) -> Crowd:
    return Crowd(api)


def call_of(who: Principal | None) -> Call:
    return Call(Access(who, "s", NOON, NOON, NOON)) if who else Call()


async def is_let_in(api: Cloud, name: str, who: Principal | None) -> bool:
    method = api.methods[name]
    empty: Any = method.request()
    try:
        if isinstance(method, Stream):
            async for _ in answers(method, empty, call_of(who), "test"):
                break
        else:
            await answer(method, empty, call_of(who), "test")
    except Refusal as refusal:
        # What a method itself refuses, a wrong password for one, comes after the door.
        return refusal.why not in DENIED or (name in POLICY and not POLICY[name])
    return True


@pytest.mark.parametrize("method", METHODS)
async def test_row_17_every_method_lets_in_the_roles_of_the_table_and_no_other(api: Cloud, method: str) -> None:
    expected = EXPECTED[method.removeprefix("/powerctl.v1.")]
    people: dict[str, Principal | None] = {"?": None} | {letter: PEOPLE[role] for letter, role in LETTERS.items()}
    let_in = {letter for letter, who in people.items() if await is_let_in(api, method, who)}
    assert let_in == set(expected)


def test_row_17_every_method_has_a_policy_and_one_without_cannot_be_served() -> None:
    assert sorted(POLICY) == METHODS
    service = PUBLIC_SERVICES[0]
    (first, *_) = service.methods
    name = f"/{service.full_name}/{first.name}"
    rows = dict(POLICY)
    del rows[name]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cloud.api.method.POLICY", rows)
        with pytest.raises(KeyError, match="no row in the policy"):
            methods_of(service, object())


ELSEWHERE = StationId("far-away-2")
OWNER = PEOPLE[Role.OWNER]
STRANGE_OWNER = Principal("landlord", "Landlord", Role.OWNER, frozenset({ELSEWHERE}))


async def charged(crowd: Crowd) -> str:
    """Anna charges and goes; returns the name of her receipt."""
    world = crowd.api.world
    await world.starts()
    await world.reports(*plugged())
    request = session_pb2.StartSessionRequest(
        connector=f"locations/{STATION}/evses/1/connectors/1", request_id=random_id()
    )
    await crowd.ask("SessionService/StartSession", request, session_pb2.Session, ANNA)
    await world.reports(began(), telemetry(live(wh=500.0)))
    world.clock.advance(600)
    await world.reports(over(reading(1_000, 1), reading(3_500, 10)), *unplugged())
    (receipt,) = await world.receipts()
    return f"receipts/{receipt.id}"


@pytest.mark.parametrize("stranger", [BERT, STRANGE_OWNER], ids=["driver", "owner-of-another-station"])
async def test_row_18_what_is_anothers_does_not_exist(crowd: Crowd, stranger: Principal) -> None:
    receipt = await charged(crowd)
    session = f"sessions/{SESSION}"
    stop = session_pb2.StopSessionRequest(name=session, request_id=random_id())
    asked: list[tuple[str, Any, Any]] = [
        ("SessionService/GetSession", session_pb2.GetSessionRequest(name=session), session_pb2.Session),
        ("SessionService/StopSession", stop, session_pb2.Session),
        ("ReceiptService/GetReceipt", receipt_pb2.GetReceiptRequest(name=receipt), receipt_pb2.Receipt),
    ]
    for method, request, response in asked:
        with pytest.raises(Failed, match="not_found"):
            await crowd.ask(method, request, response, stranger)
    assert not await lists(crowd, stranger)
    assert not await watches(crowd, stranger)


async def lists(crowd: Crowd, who: Principal) -> list[Any]:
    sessions = await crowd.ask(
        "SessionService/ListSessions", session_pb2.ListSessionsRequest(), session_pb2.ListSessionsResponse, who
    )
    receipts = await crowd.ask(
        "ReceiptService/ListReceipts", receipt_pb2.ListReceiptsRequest(), receipt_pb2.ListReceiptsResponse, who
    )
    return [*sessions.sessions, *receipts.receipts]


async def watches(crowd: Crowd, who: Principal) -> list[watch_pb2.WatchResponse]:
    """The sessions in the present state that `who` is sent."""
    peer, seen = GrpcWeb(crowd.api.web, text=False), []
    stream = peer.stream("WatchService/Watch", watch_pb2.WatchRequest(), watch_pb2.WatchResponse, crowd.api.token(who))
    async for response in stream:
        if response.HasField("heartbeat"):
            break
        seen += [response] if response.HasField("session") else []
    await stream.aclose()
    return seen


@pytest.mark.parametrize("who", [ANNA, OWNER, OPAL, PEOPLE[Role.BILLING], PEOPLE[Role.AUDITOR]], ids=lambda p: p.role)
async def test_row_18_who_owns_oversees_or_bills_sees_it(crowd: Crowd, who: Principal) -> None:
    await charged(crowd)
    assert len(await lists(crowd, who)) == 2
    assert len(await watches(crowd, who)) == 1


async def test_row_18_only_the_driver_and_who_controls_may_stop(crowd: Crowd) -> None:
    world = crowd.api.world
    await world.starts()
    await world.reports(*plugged())
    request = session_pb2.StartSessionRequest(
        connector=f"locations/{STATION}/evses/1/connectors/1", request_id=random_id()
    )
    await crowd.ask("SessionService/StartSession", request, session_pb2.Session, ANNA)
    await world.reports(began())
    for who in (OWNER, BERT):
        stop = session_pb2.StopSessionRequest(name=f"sessions/{SESSION}", request_id=random_id())
        with pytest.raises(Failed, match="not_found"):
            await crowd.ask("SessionService/StopSession", stop, session_pb2.Session, who)


FORBIDDEN = ("anna", "Anna", "password", "hash", "127.0.0.1", "driver", "argon2", "payload", "token")


@pytest.mark.parametrize("role", list(Role))
async def test_row_19_a_location_shows_nobody_elses_session_or_person(crowd: Crowd, role: Role) -> None:
    await crowd.api.world.starts()
    await crowd.api.world.reports(*plugged())
    request = session_pb2.StartSessionRequest(
        connector=f"locations/{STATION}/evses/1/connectors/1", request_id=random_id()
    )
    await crowd.ask("SessionService/StartSession", request, session_pb2.Session, ANNA)
    await crowd.api.world.reports(began(), telemetry(live(wh=500.0)))
    asked = location_pb2.GetLocationRequest(name=f"locations/{STATION}")
    location = await crowd.ask("LocationService/GetLocation", asked, location_pb2.Location, PEOPLE[role])
    text = json_format.MessageToJson(location)
    assert not [word for word in FORBIDDEN if word in text]
    oversees = PEOPLE[role].sees(ANNA.user, STATION)
    assert (SESSION in text) == oversees
    assert ("socPercent" in text) == oversees


async def test_row_19_no_answer_shows_the_driver_of_a_session_or_receipt(crowd: Crowd) -> None:
    await charged(crowd)
    shown = "".join(json_format.MessageToJson(one) for one in await lists(crowd, OPAL))
    assert not [word for word in FORBIDDEN if word in shown.replace("STOP_REASON_DRIVER", "")]
