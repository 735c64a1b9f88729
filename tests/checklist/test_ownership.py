"""Row 18 over every method that a driver or an owner may call: what is another's does not exist.

A method without a row in one of the four tables fails, so a new one is judged before it is served.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from cloud.domain.policy import POLICY
from cloud.domain.principal import Principal, Role
from powerctl.core.fault import Fault
from powerctl.core.ids import StationId
from powerctl.core.record import FaultRaised
from powerctl.v1 import fleet_pb2, payment_pb2, reservation_pb2, uplink_pb2
from tests.checklist.crowd import PEOPLE, Crowd
from tests.checklist.services import PUBLIC_SERVICES
from tests.contract.api.peers import Failed, Json
from tests.contract.api.test_money import charge, window
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import ANNA, BERT, LEFT, OPAL, SESSION, STATION, describes

TYPES: Final = {
    f"{service.name}/{method.name}": (GetMessageClass(method.input_type), GetMessageClass(method.output_type))
    for service in PUBLIC_SERVICES
    for method in service.methods
}
STRANGERS: Final = (
    BERT,
    Principal("landlord", "Landlord", Role.OWNER, frozenset({StationId("far-away-2")})),
)
OWN_SESSION: Final = {"name": f"sessions/{SESSION}"}
OWN_STATION: Final = {"parent": f"stations/{STATION}"}
NAMED: Final[dict[str, dict[str, Any]]] = {
    "SessionService/GetSession": OWN_SESSION,
    "SessionService/StopSession": {**OWN_SESSION, "request_id": str(uuid.uuid4())},
    "ReceiptService/GetReceipt": {"name": "{receipt}"},
    "ReceiptService/DownloadReceipt": {"name": "{receipt}", "format": "RECEIPT_FORMAT_JSON"},
    "ReceiptService/ListCredits": {"receipt": "{receipt}"},
    "PaymentService/GetPayment": {"name": f"sessions/{SESSION}/payment"},
    "PaymentService/GetPurchase": {"name": "{purchase}"},
    "ReservationService/GetReservation": {"name": "{reservation}"},
    "ReservationService/CancelReservation": {"name": "{reservation}"},
    "FleetService/GetStation": {"name": f"stations/{STATION}"},
    "FleetService/ListStationEvents": OWN_STATION,
    "FleetService/ListStationTelemetry": OWN_STATION,
    "FleetService/ListStationDays": OWN_STATION,
    "FleetService/ListRemoteCommands": OWN_STATION,
    "FleetService/GetRemoteCommand": {"name": "{command}"},
    "FleetService/GetConfiguration": {"name": f"stations/{STATION}/configuration"},
    "FleetService/ListStationFiles": OWN_STATION,
    "FleetService/DownloadStationFile": {"name": f"stations/{STATION}/files/nothing"},
}
"""What is asked of another's; `{kind}` stands for the name of the one that Anna has."""
LISTED: Final = {
    "SessionService/ListSessions": {},
    "ReceiptService/ListReceipts": {},
    "PaymentService/ListPurchases": {},
    "ReservationService/ListReservations": {},
    "FleetService/ListStations": {},
    "FleetService/ListAlarms": {"parent": "stations/-", "show_ended": True},
}
"""Methods that list what is the caller's, and nothing else."""
OWN: Final = {
    "IdentityService/SignOut",
    "IdentityService/ChangePassword",
    "IdentityService/GetPrincipal",
    "NotificationService/GetNotificationSettings",
    "NotificationService/UpdateNotificationSettings",
    "NotificationService/CreatePushSubscription",
    "NotificationService/ListPushSubscriptions",
    "NotificationService/DeletePushSubscription",
    "WatchService/Watch",
    "FleetService/GetFleetSummary",
    "DemoService/ListMails",
}
"""Methods that name no owner: they act for the caller. `Watch` and the summary have tests of their own."""
SHARED: Final = {
    "LocationService/GetLocation",
    "LocationService/ListLocations",
    "LocationService/EstimateCost",
    "PaymentService/GetPaymentOptions",
    "PaymentService/CreateChargingToken",
    "SessionService/StartSession",
    "ReservationService/CreateReservation",
    "DemoService/ListActs",
    "DemoService/PlayAct",
}
"""Methods on what stands at the roadside for everybody; a started session is the caller's (see rows 20 and 21)."""
PRIVATE: Final = {
    name.removeprefix("/powerctl.v1.") for name, roles in POLICY.items() if roles and roles & {Role.DRIVER, Role.OWNER}
}
"""Methods that people may call who do not see everything."""


def test_row_18_every_method_is_judged_once() -> None:
    tables: list[set[str]] = [set(NAMED), set(LISTED), OWN, SHARED]
    assert sorted(name for table in tables for name in table) == sorted(PRIVATE)


@pytest.fixture
async def crowd(files: SqliteFiles) -> AsyncIterator[Crowd]:
    async with cloud(await files.new(), paid=True) as running:
        await running.world.reports(describes())
        yield Crowd(running)


async def lived(api: Cloud) -> dict[str, str]:
    """Names of what Anna has, and of what an operator did at the station where she was."""
    peer = Json(api.web)
    receipt = (await charge(api, peer)).name
    await api.world.reports(FaultRaised(LEFT, Fault("insulation", "Too low.", latched=True)))
    made = await peer.call(
        "ReservationService/CreateReservation", window(api, 60, 120), reservation_pb2.Reservation, api.token(ANNA)
    )
    bought = await peer.call(
        "PaymentService/ListPurchases",
        payment_pb2.ListPurchasesRequest(),
        payment_pb2.ListPurchasesResponse,
        api.token(ANNA),
    )
    ordered = fleet_pb2.CreateRemoteCommandRequest(
        parent=f"stations/{STATION}",
        remote_command=fleet_pb2.RemoteCommand(upload_black_box=uplink_pb2.UploadBlackBox()),
        request_id=str(uuid.uuid4()),
    )
    command = await peer.call("FleetService/CreateRemoteCommand", ordered, fleet_pb2.RemoteCommand, api.token(OPAL))
    return {
        "receipt": receipt,
        "reservation": made.name,
        "purchase": bought.purchases[0].name,
        "command": command.name,
    }


async def asks(crowd: Crowd, method: str, fields: dict[str, Any], names: dict[str, str], who: Principal) -> Any:
    request_type, response = TYPES[method]
    filled = {key: value.format_map(names) if isinstance(value, str) else value for key, value in fields.items()}
    return await crowd.ask(method, json_format.ParseDict(filled, request_type()), response, who)


def may(method: str, who: Principal) -> bool:
    return who.role in POLICY[f"/powerctl.v1.{method}"]


async def test_row_18_what_is_named_and_anothers_does_not_exist(crowd: Crowd) -> None:
    names = await lived(crowd.api)
    for method, fields in NAMED.items():
        for who in filter(lambda one: may(method, one), STRANGERS):
            with pytest.raises(Failed) as refused:
                await asks(crowd, method, fields, names, who)
            assert refused.value.code == "not_found", (method, who.role, refused.value.message)


async def test_row_18_the_same_names_open_for_who_sees_everything(crowd: Crowd) -> None:
    names = await lived(crowd.api)
    for method, fields in NAMED.items():
        if method in {"FleetService/DownloadStationFile", "FleetService/GetConfiguration"}:
            continue  # nothing has been sent up and nothing reported; being found is tested with the fleet's service
        assert await code_of(crowd, method, fields, names) != "not_found", method


async def code_of(crowd: Crowd, method: str, fields: dict[str, Any], names: dict[str, str]) -> str:
    """How a call of an operator ends."""
    try:
        await asks(crowd, method, fields, names, OPAL)
    except Failed as refused:
        return refused.code
    return "ok"


async def test_row_18_lists_have_nothing_of_others(crowd: Crowd) -> None:
    names = await lived(crowd.api)
    marks = [SESSION, ANNA.user, STATION, *names.values()]
    for method, fields in LISTED.items():
        seen = json_format.MessageToJson(await asks(crowd, method, fields, names, PEOPLE[Role.OPERATOR]))
        assert [mark for mark in marks if mark in seen], method
        for who in filter(lambda one: may(method, one), STRANGERS):
            seen = json_format.MessageToJson(await asks(crowd, method, fields, names, who))
            assert not [mark for mark in marks if mark in seen], (method, who.role)
