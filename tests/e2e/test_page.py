"""The committed page in a real browser, against a cloud whose part the test plays."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.async_api import Locator, Page, expect

from powerctl.v1 import common_pb2, identity_pb2, location_pb2, session_pb2, watch_pb2
from tests.e2e import station
from tests.e2e.browser import DESKTOP, PHONE, Visits
from tests.e2e.fake_cloud import Failure, FakeCloud
from tests.e2e.station import LEFT, RIGHT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

IDLE = common_pb2.CONNECTOR_STATE_AVAILABLE
PLUGGED = common_pb2.CONNECTOR_STATE_OCCUPIED
CHARGING = common_pb2.CONNECTOR_STATE_CHARGING
DSO = common_pb2.LIMIT_SOURCE_DSO
FAILED_PRECONDITION, UNAVAILABLE, UNAUTHENTICATED = 9, 14, 16


def charging(
    *, power: float = 9_800, limit_w: float = 10_000, why: str = "", age_s: float = 0
) -> location_pb2.Location:
    """The left vehicle charges under a limit of the grid, the right connector is free."""
    reasons = [
        station.limit(DSO, limit_w, "Set by the grid operator."),
        station.limit(common_pb2.LIMIT_SOURCE_MODULES, 22_000),
    ]
    left = station.live(
        CHARGING,
        power=power,
        limit_w=limit_w,
        soc=63,
        session="sessions/s-1",
        energy=3_210,
        why=why,
        reasons=reasons,
        age_s=age_s,
    )
    return station.location(left, station.live(IDLE), ac=power * 1.07)


def plugged() -> location_pb2.Location:
    return station.location(station.live(PLUGGED), station.live(IDLE), ac=120)


def own(state: int, **fields: object) -> session_pb2.Session:
    return station.session("s-1", LEFT, state, **fields)  # type: ignore[arg-type]


async def entered(visits: Visits, cloud: FakeCloud, who: str = "driver", **context: object) -> Page:
    page = await visits.open(f"{cloud.url}/#signin={who}", **context)  # type: ignore[arg-type]
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def card(page: Page, side: str) -> Locator:
    return page.get_by_role("article", name=side)


async def test_a_link_signs_in_once_and_leaves_the_address(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud)
    assert page.url == f"{cloud.url}/#/"
    await expect(page.get_by_role("heading", name="Harbour Street 4")).to_be_visible()
    await page.reload()
    await expect(card(page, "Left")).to_be_visible()
    assert len(cloud.asked(identity_pb2.SignInRequest)) == 1


async def test_whoever_is_not_signed_in_is_told_what_to_do(visits: Visits, cloud: FakeCloud) -> None:
    page = await visits.open(cloud.url)
    await expect(page.get_by_role("heading", name="How would you like to charge?")).to_be_visible()
    await expect(page.get_by_role("button", name="Continue as a guest")).to_be_enabled()
    await expect(page.get_by_text("personal sign-in link")).to_be_visible()


async def test_a_used_link_says_so(visits: Visits, cloud: FakeCloud) -> None:
    page = await visits.open(f"{cloud.url}/#signin=used")
    await expect(page.get_by_role("heading", name="That sign-in link did not work")).to_be_visible()


async def test_signing_out_leaves_nothing_on_the_screen(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="You have signed out")).to_be_visible()
    await expect(page.get_by_text("Harbour Street 4")).to_have_count(0)


async def test_an_ended_sign_in_asks_for_a_new_link(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud)
    cloud.failures["Watch"] = Failure(UNAUTHENTICATED, "Sign in again.")
    cloud.end_streams()
    await expect(page.get_by_text("Your sign-in has ended")).to_be_visible()


async def test_a_dip_of_the_grid_is_on_the_page_with_its_reason(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud)
    await expect(card(page, "Left").get_by_role("img", name="Power 9.8 kW. Battery 63 %")).to_be_visible()
    dipped = charging(power=3_600, limit_w=3_700, why="3.7 kW: the grid operator limits the station to 4.2 kW.")
    dipped.station_limits.CopyFrom(
        common_pb2.StationLimits(cap_w=4_200, source=DSO, detail="The grid operator asked for 4.2 kW.")
    )
    cloud.say(dipped)
    await expect(card(page, "Left").get_by_role("img", name="Power 3.6 kW")).to_be_visible()
    await expect(card(page, "Left")).to_contain_text("the grid operator limits the station to 4.2 kW")
    cap = page.get_by_role("region", name="The station may draw")
    await expect(cap).to_contain_text("4.2")
    await expect(cap).to_contain_text("The grid operator asked for 4.2 kW.")
    picture = page.get_by_role("region", name="Caps and shares")
    await expect(picture.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"Cap 4\.2\skW. Left takes 3\.6\skW of 3\.7\skW")
    )


async def test_a_plan_that_fails_is_on_the_page_with_what_holds_now(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud)
    failed = charging()
    detail = "The plan process ended: it ended with status -9. Every limit holds."
    failed.station_limits.plan.CopyFrom(common_pb2.PlanStatus(state=common_pb2.PLAN_STATE_FAILED, detail=detail))
    cloud.say(failed)
    cap = page.get_by_role("region", name="The station may draw")
    await expect(cap.get_by_role("status")).to_contain_text("No new plan: power is shared without one")
    await expect(cap.get_by_role("status")).to_contain_text("it ended with status -9")
    failed.station_limits.plan.state = common_pb2.PLAN_STATE_USED
    cloud.say(failed)
    await expect(cap.get_by_role("status")).to_contain_text("A plan shapes the shares.")


async def test_left_stands_left_of_right(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud, size=DESKTOP)
    left, right = await card(page, "Left").bounding_box(), await card(page, "Right").bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] < right["x"]


async def test_every_page_says_that_nothing_is_sold(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    cloud.receipts["receipts/r-1042"] = station.receipt()
    page = await entered(visits, cloud)
    for route in ("#/", "#/sessions", "#/receipts/r-1042"):
        await page.goto(f"{cloud.url}/{route}")
        await expect(page.get_by_text("Simulated station: nothing is sold.")).to_be_visible()


async def test_a_driver_charges_from_start_to_receipt(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(plugged())
    cloud.on_command = lambda _: own(session_pb2.SESSION_STATE_PENDING)
    page = await entered(visits, cloud)
    left = card(page, "Left")
    await expect(left).to_contain_text("€0.295 per kWh")
    await left.get_by_role("button", name="Start charging").click()
    await expect(left.get_by_role("button", name="Starting")).to_be_disabled()
    [asked] = await cloud.heard(session_pb2.StartSessionRequest)
    assert isinstance(asked, session_pb2.StartSessionRequest)
    assert asked.connector == LEFT
    assert uuid.UUID(asked.request_id).version == 4

    cloud.say(charging())
    cloud.say(own(session_pb2.SESSION_STATE_ACTIVE, stoppable=True, cents=95))
    await expect(left).to_contain_text("3.21 kWh")
    await expect(left).to_contain_text("€0.95")
    cloud.on_command = lambda _: own(session_pb2.SESSION_STATE_STOPPING)
    await left.get_by_role("button", name="Stop charging").click()
    await expect(left.get_by_role("button", name="Stopping")).to_be_disabled()

    cloud.receipts["receipts/r-1042"] = station.receipt()
    finished = station.live(common_pb2.CONNECTOR_STATE_FINISHED, session="sessions/s-1", energy=12_345)
    cloud.say(station.location(finished, station.live(IDLE), ac=120))
    cloud.say(own(session_pb2.SESSION_STATE_COMPLETED, receipt="receipts/r-1042"))
    await left.get_by_role("link", name="Show receipt").click()
    paper = page.get_by_role("article")
    for words in ("€3.64", "12.345 kWh", "1,204,310 Wh", "1,216,655 Wh", "Simulated: nothing was sold."):
        await expect(paper).to_contain_text(words)


async def test_a_refusal_is_told_in_the_servers_words(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(plugged())
    cloud.failures["StartSession"] = Failure(FAILED_PRECONDITION, "plug the vehicle in first")
    page = await entered(visits, cloud)
    await card(page, "Left").get_by_role("button", name="Start charging").click()
    await expect(card(page, "Left").get_by_role("alert")).to_contain_text("Plug the vehicle in first.")
    await expect(card(page, "Left").get_by_role("button", name="Start charging")).to_be_enabled()


async def test_a_lost_start_is_repeated_as_the_same_wish(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(plugged())
    cloud.failures["StartSession"] = Failure(UNAVAILABLE, "")
    cloud.on_command = lambda _: own(session_pb2.SESSION_STATE_PENDING)
    page = await entered(visits, cloud)
    start = card(page, "Left").get_by_role("button", name="Start charging")
    await start.click()
    await expect(card(page, "Left").get_by_role("alert")).to_contain_text("does not answer")
    del cloud.failures["StartSession"]
    await start.click()
    await expect(card(page, "Left").get_by_role("button", name="Starting")).to_be_visible()
    first, second = await cloud.heard(session_pb2.StartSessionRequest, 2)
    assert first == second


async def test_why_a_command_failed_at_the_station_is_shown(visits: Visits, cloud: FakeCloud) -> None:
    location = plugged()
    location.evses[0].connectors[0].live.session = "sessions/s-1"
    cloud.say(location)
    cloud.say(own(session_pb2.SESSION_STATE_OPEN, detail="The station did not answer in time."))
    page = await entered(visits, cloud)
    await expect(card(page, "Left").get_by_role("alert")).to_contain_text("did not answer in time")


async def test_an_operator_confirms_before_stopping_somebody(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    cloud.say(own(session_pb2.SESSION_STATE_ACTIVE, stoppable=True))
    cloud.on_command = lambda _: own(session_pb2.SESSION_STATE_STOPPING)
    page = await entered(visits, cloud, "operator")
    stop = card(page, "Left").get_by_role("button", name="Stop charging")
    await stop.click()
    await page.get_by_role("dialog").get_by_role("button", name="Keep charging").click()
    assert cloud.asked(session_pb2.StopSessionRequest) == []
    await stop.click()
    await page.get_by_role("dialog").get_by_role("button", name="Stop charging").click()
    await expect(card(page, "Left").get_by_role("button", name="Stopping")).to_be_visible()
    [asked] = await cloud.heard(session_pb2.StopSessionRequest)
    assert isinstance(asked, session_pb2.StopSessionRequest)
    assert asked.name == "sessions/s-1"


async def test_a_driver_cannot_stop_somebody_else(visits: Visits, cloud: FakeCloud) -> None:
    somebody = station.live(CHARGING, power=5_000, limit_w=6_000)
    cloud.say(station.location(somebody, station.live(IDLE), ac=5_400))
    page = await entered(visits, cloud)
    await expect(card(page, "Left")).to_contain_text("In use by somebody else")
    await expect(card(page, "Left").get_by_role("button", name="Stop charging")).to_have_count(0)


@pytest.mark.parametrize(("who", "codes"), [("driver", 0), ("operator", 1)])
async def test_operators_see_the_codes_of_the_chain(visits: Visits, cloud: FakeCloud, who: str, codes: int) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud, who)
    await card(page, "Left").get_by_text("Every limit, lowest first").click()
    chain = card(page, "Left").get_by_role("list")
    await expect(chain).to_contain_text("Grid operator")
    await expect(chain.get_by_text("MODULES", exact=True)).to_have_count(codes)


async def test_a_lost_connection_shows_how_old_the_values_are_and_heals(visits: Visits) -> None:
    cloud = FakeCloud()
    cloud.say(charging())
    with cloud.serving():
        page = await entered(visits, cloud)
        port = int(cloud.url.rpartition(":")[2])
    await expect(page.get_by_role("alert")).to_contain_text("Connection lost. What you see is from")
    cloud.say(charging(power=2_000))
    with cloud.serving(port):
        await expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=20_000)
        await expect(page.get_by_role("alert")).to_have_count(0)
        await expect(card(page, "Left").get_by_role("img", name="Power 2.0 kW")).to_be_visible()
        resumed = cloud.asked(watch_pb2.WatchRequest)[-1]
    assert isinstance(resumed, watch_pb2.WatchRequest)
    assert resumed.resume_after


async def test_a_renewed_stream_is_not_a_loss(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud)
    await page.evaluate(
        """() => new MutationObserver(() => {
            if (document.querySelector('.banner-warn')) document.title = 'lost';
        }).observe(document.body, {subtree: true, childList: true})"""
    )
    async with page.expect_response(lambda response: response.url.endswith("/Watch")):
        cloud.end_streams()
    assert await page.title() == "powerctl"


async def test_a_silent_station_is_said_and_cannot_be_started(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(station.location(station.live(PLUGGED, age_s=300), station.live(IDLE), ac=0, online=False))
    page = await entered(visits, cloud)
    await expect(page.get_by_role("alert")).to_contain_text("The station was last heard at")
    await expect(card(page, "Left").get_by_role("button", name="Start charging")).to_be_disabled()


async def test_a_silent_energy_manager_is_said(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(station.location(station.live(IDLE), station.live(IDLE), ac=120, manager=False))
    page = await entered(visits, cloud)
    await expect(page.get_by_text("Energy manager silent")).to_be_visible()


async def test_old_values_say_their_age(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging(age_s=42))
    page = await entered(visits, cloud)
    await expect(card(page, "Left").get_by_text("s ago")).to_be_visible()


async def test_before_the_first_station_the_page_says_what_happens_next(visits: Visits, cloud: FakeCloud) -> None:
    page = await entered(visits, cloud)
    await expect(page.get_by_role("heading", name="No station yet")).to_be_visible()


async def test_several_stations_are_a_list(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    other = plugged()
    other.name, other.display_name = "locations/market", "Market Square"
    cloud.say(other)
    page = await entered(visits, cloud)
    await page.get_by_role("link", name="Harbour Street 4").click()
    await expect(card(page, "Left")).to_be_visible()


async def test_the_sessions_list_leads_to_receipts(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    cloud.receipts["receipts/r-1042"] = station.receipt()
    done = station.session("s-0", RIGHT, session_pb2.SESSION_STATE_COMPLETED, energy=12_345, receipt="receipts/r-1042")
    done.receipt_number = 1042
    cloud.say(done)
    page = await entered(visits, cloud)
    await page.get_by_role("link", name="Charges").click()
    row = page.get_by_role("row").filter(has_text="Harbour Street 4, right")
    await expect(row).to_contain_text("12.35 kWh")
    await row.get_by_role("link", name="Receipt 1042", exact=True).click()
    await expect(page.get_by_role("heading", name="€3.64")).to_be_visible()
    await expect(page.get_by_role("article").get_by_text("Receipt 1042", exact=True)).to_be_visible()


async def test_a_receipt_of_somebody_else_is_not_there(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud)
    await page.goto(f"{cloud.url}/#/receipts/nobody")
    await expect(page.get_by_role("alert")).to_contain_text("There is no receipts/nobody.")
    cloud.receipts["receipts/nobody"] = station.receipt("receipts/nobody")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="€3.64")).to_be_visible()


async def test_finnish_is_remembered(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging(why="10 kW: the grid operator limits it."))
    page = await entered(visits, cloud)
    await page.get_by_role("button", name="FI").click()
    await expect(card(page, "Vasen")).to_contain_text("9,8 kW: verkkoyhtiö rajoittaa asemaa.")
    await page.reload()
    await expect(card(page, "Vasen")).to_contain_text("Lataa")
    assert await page.locator("html").get_attribute("lang") == "fi"


async def test_charging_can_be_started_with_the_keyboard_alone(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(plugged())
    cloud.on_command = lambda _: own(session_pb2.SESSION_STATE_PENDING)
    page = await entered(visits, cloud)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Start charging")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Starting")).to_be_visible()


async def test_the_picture_survives_a_reload(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    page = await entered(visits, cloud)
    await expect(page.locator(".chart-legend")).to_contain_text(re.compile(r"\d\s?kW"))
    await page.reload()
    await expect(card(page, "Left")).to_be_visible()
    count = "Object.values(JSON.parse(sessionStorage.getItem('powerctl.history') ?? '{}'))[0]?.length ?? 0"
    assert await page.evaluate(count) >= 1


async def test_nothing_is_wider_than_the_window(visits: Visits, cloud: FakeCloud) -> None:
    cloud.say(charging())
    cloud.receipts["receipts/r-1042"] = station.receipt()
    cloud.say(own(session_pb2.SESSION_STATE_ACTIVE, stoppable=True, cents=1234, energy=41_234))
    page = await entered(visits, cloud, "operator")
    too_wide = []
    for route, there in (("#/", "article"), ("#/sessions", "table"), ("#/receipts/r-1042", "table")):
        await page.goto(f"{cloud.url}/{route}")
        await expect(page.locator(there).first).to_be_visible()
        for width in (360, 390, 640, 641, 820, 1120, 1121, 1366, 1600):
            await page.set_viewport_size({"width": width, "height": PHONE[1]})
            if (found := await page.evaluate("document.documentElement.scrollWidth")) > width:
                too_wide.append((route, width, found))
    assert too_wide == []
