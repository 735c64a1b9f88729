"""Every service answers alike on every transport."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from cloud.domain.principal import Principal
from powerctl.core.order import StartCharging, StopCharging
from powerctl.core.record import CommandOutcome, CommandResult
from powerctl.core.session import ConnectorState, StopReason
from powerctl.runtime.permit import permit_from_wire, permit_keys_from_wire, permit_of
from powerctl.v1 import identity_pb2, location_pb2, receipt_pb2, session_pb2, watch_pb2
from powerctl.v1.session_pb2 import SESSION_STATE_OPEN, SESSION_STATE_PENDING, SESSION_STATE_STOPPING
from tests.contract.api.peers import Failed, Json, Peer
from tests.unit.cloud.api_world import Cloud
from tests.unit.cloud.stories import (
    ANNA,
    BERT,
    LEFT,
    OPAL,
    RIGHT,
    SESSION,
    began,
    describes,
    dso_cap,
    live,
    over,
    plugged,
    reading,
    says,
    telemetry,
    unplugged,
)

LOCATION = "locations/demo-1"
PLUG = f"{LOCATION}/evses/1/connectors/1"
NAME = f"sessions/{SESSION}"
UNARY = sorted(
    (f"{service.name}/{method.name}", GetMessageClass(method.input_type), GetMessageClass(method.output_type))
    for module in (identity_pb2, location_pb2, receipt_pb2, session_pb2, watch_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if not method.server_streaming and method.name not in ("SignUp", "SignInAsGuest")
)


def new_request() -> str:
    return str(uuid.uuid4())


async def start(peer: Peer, token: str, *, connector: str = PLUG, request_id: str = "") -> session_pb2.Session:
    request = session_pb2.StartSessionRequest(connector=connector, request_id=request_id or new_request())
    return await peer.call("SessionService/StartSession", request, session_pb2.Session, token)


async def stop(peer: Peer, token: str, *, name: str = NAME) -> session_pb2.Session:
    request = session_pb2.StopSessionRequest(name=name, request_id=new_request())
    return await peer.call("SessionService/StopSession", request, session_pb2.Session, token)


async def get(peer: Peer, token: str, name: str = NAME) -> session_pb2.Session:
    return await peer.call(
        "SessionService/GetSession", session_pb2.GetSessionRequest(name=name), session_pb2.Session, token
    )


async def test_strangers_are_refused_by_every_method(peer: Peer) -> None:
    for method, request_type, response_type in UNARY:
        with pytest.raises(Failed) as failed:
            await peer.call(method, request_type(), response_type)
        assert failed.value.code == "unauthenticated", method


async def test_a_location_shows_what_its_connectors_do_and_why(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged(), began())
    await api.world.reports(telemetry(live(kw=6.1, wh=812), limits=dso_cap(4.2)))
    request = location_pb2.GetLocationRequest(name=LOCATION)
    location = await peer.call("LocationService/GetLocation", request, location_pb2.Location, api.token(OPAL))
    assert (location.display_name, location.online, location.simulated) == ("Harbour", True, True)
    assert location.station_limits.cap_w == 4200
    assert (location.tariff.energy_price_per_kwh.nanos, location.manager_connected) == (490_000_000, True)
    seen = location.evses[0].connectors[0]
    assert (seen.name, seen.position, seen.live.power_w, seen.live.session) == (PLUG, "left", 6100, NAME)
    assert seen.live.why.startswith("6.1 kW")


async def test_another_drivers_session_is_anonymous_occupancy(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    await start(peer, api.token(ANNA))
    await api.world.reports(began(), telemetry(live(kw=6.1, wh=812)))
    for who, session, energy, soc in ((ANNA, NAME, 812, True), (BERT, "", 0, False), (OPAL, NAME, 812, True)):
        request = location_pb2.ListLocationsRequest()
        listed = await peer.call(
            "LocationService/ListLocations", request, location_pb2.ListLocationsResponse, api.token(who)
        )
        seen = listed.locations[0].evses[0].connectors[0].live
        assert (seen.session, seen.session_energy_wh, seen.HasField("soc_percent")) == (session, energy, soc)
        assert seen.power_w == 6100


async def test_start_asks_the_station_and_makes_the_caller_the_owner(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    session = await start(peer, api.token(ANNA))
    assert (session.state, session.stoppable) == (SESSION_STATE_PENDING, True)
    ((station, command),) = api.notebook.sent
    assert isinstance(command.action, StartCharging)
    assert (station, replace(command.action, permit="")) == ("demo-1", StartCharging(SESSION, LEFT))
    permit = permit_from_wire(command.action.permit, permit_keys_from_wire(api.tokens.permit_key.encode()))
    assert permit == permit_of(station, command, command.action)
    assert (command.expire_time - api.world.clock.utc()).total_seconds() == 30
    assert (await api.world.session()).driver == "anna"


async def test_the_same_request_starts_once(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    request_id, token = new_request(), api.token(ANNA)
    first = await start(peer, token, request_id=request_id)
    again = await start(peer, token, request_id=request_id)
    assert again == first
    assert len(api.notebook.sent) == 1
    with pytest.raises(Failed) as failed:
        await start(peer, token, connector=f"{LOCATION}/evses/2/connectors/2", request_id=request_id)
    assert failed.value.code == "already_exists"


async def test_a_request_needs_an_id_of_its_own(api: Cloud, peer: Peer) -> None:
    with pytest.raises(Failed) as failed:
        await start(peer, api.token(ANNA), request_id="1")
    assert (failed.value.code, "UUID" in failed.value.message) == ("invalid_argument", True)


async def test_nothing_plugged_in_cannot_be_started(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), says(ConnectorState.AVAILABLE, session=None))
    with pytest.raises(Failed) as failed:
        await start(peer, api.token(ANNA))
    assert (failed.value.code, failed.value.message) == ("failed_precondition", "Plug the vehicle in first.")


async def test_an_offline_station_cannot_be_started(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    api.world.clock.advance(91)
    await api.world.store.expire()
    with pytest.raises(Failed) as failed:
        await start(peer, api.token(ANNA))
    assert (failed.value.code, "offline" in failed.value.message) == ("failed_precondition", True)


@pytest.mark.parametrize("connector", ["locations/other/evses/1/connectors/1", f"{LOCATION}/evses/1/connectors/2"])
async def test_a_connector_that_is_not_there_is_not_found(api: Cloud, peer: Peer, connector: str) -> None:
    await api.world.reports(describes())
    with pytest.raises(Failed) as failed:
        await start(peer, api.token(ANNA), connector=connector)
    assert failed.value.code == "not_found"


async def test_a_refused_start_says_why_and_may_be_tried_again(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    await start(peer, api.token(ANNA))
    refusal = CommandResult(api.notebook.sent[0][1].command_id, CommandOutcome.REJECTED, "The connector is not locked.")
    await api.world.reports(refusal)
    session = await get(peer, api.token(ANNA))
    assert (session.state, session.detail) == (SESSION_STATE_OPEN, "The connector is not locked.")
    assert (await start(peer, api.token(ANNA))).state == SESSION_STATE_PENDING


async def test_a_start_that_nobody_answers_ends(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    await start(peer, api.token(ANNA))
    api.world.clock.advance(34)
    await api.world.store.expire()
    assert (await get(peer, api.token(ANNA))).state == SESSION_STATE_PENDING
    api.world.clock.advance(2)
    await api.world.store.expire()
    session = await get(peer, api.token(ANNA))
    assert (session.state, "did not answer" in session.detail) == (SESSION_STATE_OPEN, True)


async def test_a_driver_stops_their_own_session_and_no_other(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    await start(peer, api.token(ANNA))
    await api.world.reports(began())
    with pytest.raises(Failed) as failed:
        await stop(peer, api.token(BERT))
    assert failed.value.code == "not_found"
    assert (await stop(peer, api.token(ANNA))).state == SESSION_STATE_STOPPING
    assert api.notebook.sent[-1][1].action == StopCharging(SESSION, LEFT, StopReason.DRIVER)


async def test_from_the_plug_to_the_receipt(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    await start(peer, api.token(ANNA))
    await api.world.reports(began(1_000, 1), over(reading(1_000, 1), reading(3_500, 11)), *unplugged())
    session = await get(peer, api.token(ANNA))
    request = receipt_pb2.GetReceiptRequest(name=session.receipt)
    receipt = await peer.call("ReceiptService/GetReceipt", request, receipt_pb2.Receipt, api.token(ANNA))
    assert (receipt.session, receipt.energy_wh, receipt.duration.seconds) == (NAME, 2_500, 600)
    assert (receipt.total.currency_code, receipt.total.units, receipt.total.nanos) == ("EUR", 1, 230_000_000)
    assert [(line.description, line.quantity, line.unit) for line in receipt.lines] == [("Energy", "2.5", "kWh")]
    assert receipt.total == session.cost


async def test_other_peoples_sessions_and_receipts_do_not_exist(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged())
    await start(peer, api.token(ANNA))
    await api.world.reports(began(1_000, 1), over(reading(1_000, 1), reading(3_500, 11)))
    (receipt,) = await api.world.receipts()
    foreign: tuple[tuple[str, Any, Any], ...] = (
        ("SessionService/GetSession", session_pb2.GetSessionRequest(name=NAME), session_pb2.Session),
        (
            "ReceiptService/GetReceipt",
            receipt_pb2.GetReceiptRequest(name=f"receipts/{receipt.id}"),
            receipt_pb2.Receipt,
        ),
    )
    for method, request, response in foreign:
        with pytest.raises(Failed) as failed:
            await peer.call(method, request, response, api.token(BERT))
        assert failed.value.code == "not_found"
        assert await peer.call(method, request, response, api.token(OPAL))


async def test_lists_hold_what_the_caller_may_see(api: Cloud, peer: Peer) -> None:
    await api.world.reports(describes(), *plugged(), *plugged(session_pb2_id("b"), RIGHT))
    await start(peer, api.token(ANNA))
    assert [len(await listed(peer, api.token(who))) for who in (ANNA, BERT, OPAL)] == [1, 0, 2]


async def listed(peer: Peer, token: str) -> list[session_pb2.Session]:
    names, page = [], ""
    while True:
        request = session_pb2.ListSessionsRequest(page_size=1, page_token=page)
        answer = await peer.call("SessionService/ListSessions", request, session_pb2.ListSessionsResponse, token)
        names += list(answer.sessions)
        page = answer.next_page_token
        if not page:
            return names


def session_pb2_id(text: str) -> Any:
    return f"{text}-0000"


@pytest.mark.parametrize(
    ("method", "request_message", "response"),
    [
        ("SessionService/GetSession", session_pb2.GetSessionRequest(name="sessions/none"), session_pb2.Session),
        ("LocationService/GetLocation", location_pb2.GetLocationRequest(name="locations/none"), location_pb2.Location),
        ("ReceiptService/GetReceipt", receipt_pb2.GetReceiptRequest(name="receipts/none"), receipt_pb2.Receipt),
    ],
)
async def test_unknown_names_are_not_found(
    api: Cloud, peer: Peer, method: str, request_message: Any, response: Any
) -> None:
    with pytest.raises(Failed) as failed:
        await peer.call(method, request_message, response, api.token(OPAL))
    assert failed.value.code == "not_found"


async def test_bad_names_and_tokens_are_invalid(api: Cloud, peer: Peer) -> None:
    with pytest.raises(Failed) as failed:
        await get(peer, api.token(OPAL), "nonsense")
    assert failed.value.code == "invalid_argument"
    request = session_pb2.ListSessionsRequest(page_token="é")
    with pytest.raises(Failed) as failed:
        await peer.call("SessionService/ListSessions", request, session_pb2.ListSessionsResponse, api.token(OPAL))
    assert failed.value.code == "invalid_argument"


async def test_a_mistake_of_ours_shows_none_of_our_internals(
    api: Cloud, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("SELECT secret FROM /etc/passwd")

    monkeypatch.setattr("cloud.store.sessions.load", broken)
    with pytest.raises(Failed) as failed:
        await get(peer, api.token(OPAL))
    assert failed.value.code == "internal"
    assert "SELECT" not in failed.value.message


async def test_a_token_of_another_key_and_an_expired_one_are_refused(api: Cloud, peer: Peer) -> None:
    token = api.token(OPAL)
    with pytest.raises(Failed) as failed:
        await get(peer, token[:-3] + "AAA")
    assert failed.value.code == "unauthenticated"
    api.world.clock.advance(16 * 60)
    with pytest.raises(Failed) as failed:
        await get(peer, token)
    assert failed.value.code == "unauthenticated"


async def test_the_caller_is_told_who_they_are(api: Cloud, peer: Peer) -> None:
    me = await peer.call(
        "IdentityService/GetPrincipal", identity_pb2.GetPrincipalRequest(), identity_pb2.Principal, api.token(ANNA)
    )
    assert (me.name, me.display_name, me.role, me.demo) == ("users/anna", "Anna", identity_pb2.ROLE_DRIVER, True)


async def test_a_sign_in_token_is_exchanged_once(api: Cloud, peer: Peer) -> None:
    request = identity_pb2.SignInRequest(token=api.sign_in_token(who := Principal("eve", "Eve", ANNA.role)))
    answer = await peer.call("IdentityService/SignIn", request, identity_pb2.SignInResponse)
    assert answer.principal.display_name == who.display_name
    assert await get_principal(peer, answer.access_token) == "users/eve"
    with pytest.raises(Failed) as failed:
        await peer.call("IdentityService/SignIn", request, identity_pb2.SignInResponse)
    assert failed.value.code == "unauthenticated"


async def test_an_access_token_signs_nobody_in_and_a_sign_in_token_opens_nothing(api: Cloud, peer: Peer) -> None:
    request = identity_pb2.SignInRequest(token=api.token(ANNA))
    with pytest.raises(Failed):
        await peer.call("IdentityService/SignIn", request, identity_pb2.SignInResponse)
    with pytest.raises(Failed):
        await get_principal(peer, api.sign_in_token(ANNA))


async def test_signing_out_ends_the_token(api: Cloud, peer: Peer) -> None:
    token = api.token(ANNA)
    await peer.call("IdentityService/SignOut", identity_pb2.SignOutRequest(), identity_pb2.SignOutResponse, token)
    with pytest.raises(Failed) as failed:
        await get_principal(peer, token)
    assert failed.value.code == "unauthenticated"


async def get_principal(peer: Peer, token: str) -> str:
    request = identity_pb2.GetPrincipalRequest()
    return (await peer.call("IdentityService/GetPrincipal", request, identity_pb2.Principal, token)).name


async def test_what_was_decided_before_a_restart_is_sent_again(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged())
    await start(Json(api.web), api.token(ANNA))
    await api.charging.resume()
    assert api.notebook.sent[0] == api.notebook.sent[1]
