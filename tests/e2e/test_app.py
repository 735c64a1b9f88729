"""The driver's pages one by one, against the real API; the test is the stations at the roadside."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from cloud.payment.fake import Fault
from powerctl.core.ids import StationId
from powerctl.core.session import ConnectorState
from powerctl.core.setpoint import Limit, LimitSource
from powerctl.core.units import Power
from powerctl.v1 import notification_pb2
from tests.e2e.axe import violations
from tests.e2e.browser import DESKTOP, PHONE, Visits
from tests.e2e.fake_cloud import FakeCloud
from tests.e2e.test_driver import PICTURES, keeps
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import migrated
from tests.unit.cloud.stories import (
    ANNA,
    LEFT,
    RIGHT,
    SESSION,
    began,
    describes,
    dso_cap,
    live,
    plugged,
    says,
    telemetry,
)

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

HERE: Final = "#/stations/demo-1"
CHARGE: Final = f"{HERE}/1/1/charge"
RESERVE: Final = f"{HERE}/1/1/reserve"
CARD: Final = "Mastercard"
PLACES: Final = (
    ("demo-1", "Harbour", 60.15, 24.96),
    ("porvoo", "Old Town", 60.39, 25.66),
    ("turku", "Market", 60.45, 22.3),
)


@pytest_asyncio.fixture(loop_scope="module")
async def api(tmp_path: Path) -> AsyncIterator[Cloud]:
    address = f"sqlite:///{tmp_path / 'cloud.db'}"
    await migrated(address)
    async with cloud(address, paid=True) as running:
        for name, title, latitude, longitude in PLACES:
            described = replace(describes(), display_name=title, latitude=latitude, longitude=longitude)
            free = [says(ConnectorState.AVAILABLE, connector=one, session=None) for one in (LEFT, RIGHT)]
            await running.world.reports(described, *free, station=StationId(name))
        yield running


async def enter(visits: Visits, api: Cloud, to: str = "", **context: Any) -> Page:
    page = await visits.open(f"{api.web}/#signin={api.sign_in_token(ANNA)}&to={to.lstrip('#')}", **context)
    await expect(page.locator(".stream-live")).to_be_visible()
    return page


async def visit(page: Page, api: Cloud, where: str) -> None:
    await page.goto(f"{api.web}/{where}")


async def charges(api: Cloud) -> None:
    """The left vehicle charges for Anna under a limit of the grid."""
    dip = Limit(LimitSource.DSO, Power(9_800.0), "Set over Modbus.", None)
    more = Limit(LimitSource.MODULES, Power(22_000.0), "The power stage gives 22 kW.", None)
    values = replace(live(kw=9.6, limit_kw=9.8, wh=3_210, reasons=(dip, more)), remaining_s=2_200.0)
    await api.world.reports(began(wh=1_000), says(ConnectorState.CHARGING), telemetry(values, limits=dso_cap(10.6)))


async def holds(page: Page, method: str = CARD) -> None:
    await page.get_by_label(method).check()
    await page.get_by_role("button", name="Hold €50.00").click()


async def starts(page: Page, api: Cloud) -> None:
    """Pay, plug in, start."""
    await visit(page, api, CHARGE)
    await holds(page)
    await expect(page.get_by_role("heading", name="Paid for: ready to start")).to_be_visible()
    await api.world.reports(*plugged())
    await page.get_by_role("button", name="Start charging").click()
    await expect(page).to_have_url(re.compile(f"#/sessions/{SESSION}$"))
    await charges(api)
    await expect(page.get_by_role("heading", name="Charging now")).to_be_visible()


async def test_several_stations_open_on_the_map_and_filters_hold_over_a_reload(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api)
    stations = page.get_by_role("list", name="Stations").get_by_role("link")
    await expect(stations).to_have_count(3)
    await api.world.reports(says(ConnectorState.FAULTED), says(ConnectorState.FAULTED, connector=RIGHT))
    await page.get_by_role("button", name="Available now").click()
    await expect(stations).to_have_count(2)
    await page.reload()
    await expect(page.get_by_role("status").filter(has_text="2 of 3 stations")).to_be_visible()
    await page.get_by_label("Power").select_option("50000")
    await expect(page.get_by_role("heading", name="No station fits")).to_be_visible()
    await page.get_by_role("button", name="Clear filters").last.click()
    await expect(stations).to_have_count(3)


async def test_a_pin_brings_its_station_to_the_top(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, size=PHONE)
    pin = page.get_by_role("button", name="Old Town: 2 free")
    await pin.focus()
    await page.keyboard.press("Enter")
    await expect(pin).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("list", name="Stations").get_by_role("link").first).to_contain_text("Old Town")


OVERLAPPING = """markers => {
    const boxes = markers.map(one => one.getBoundingClientRect());
    const centre = box => [box.x + box.width / 2, box.y + box.height / 2];
    return boxes.filter((a, index) => boxes.slice(index + 1).some(b => {
        const [[ax, ay], [bx, by]] = [centre(a), centre(b)];
        return Math.hypot(ax - bx, ay - by) < 40;
    })).length;
}"""


async def crowds(api: Cloud) -> None:
    """Three hundred stations between Turku and Porvoo, every third of them out of order."""
    for number in range(297):
        latitude, longitude = 60.0 + number % 17 * 0.05, 22.3 + number % 23 * 0.15
        state = ConnectorState.FAULTED if number % 3 == 0 else ConnectorState.AVAILABLE
        free = [says(state, connector=one, session=None) for one in (LEFT, RIGHT)]
        described = replace(describes(), display_name=f"Stop {number}", latitude=latitude, longitude=longitude)
        await api.world.reports(described, *free, station=StationId(f"stop-{number}"))


async def test_three_hundred_stations_are_counted_opened_by_key_and_kept_in_the_address(
    visits: Visits, api: Cloud
) -> None:
    await crowds(api)
    page = await enter(visits, api, "#/stations")
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    await expect(page.get_by_role("status").filter(has_text="300 of 300 stations on")).to_have_count(1)
    markers = page.get_by_role("group", name="Map of stations").locator("[data-first]")
    assert await markers.evaluate_all(OVERLAPPING) == 0
    heap = page.get_by_role("button", name=re.compile(r"^\d+ stations, \d+ of them free: show them$")).first
    await heap.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="300 of 300 stations on")).to_have_count(0)
    await expect(page.locator("[data-first]:focus")).to_have_count(1)
    await page.keyboard.press("-")

    await page.get_by_role("button", name="Available now").click()
    await expect(page.get_by_role("status").filter(has_text="201 of 300 stations")).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"#/stations\?free=1$"))
    links = page.get_by_role("list", name="Stations").get_by_role("link")
    await expect(links).to_have_count(30)
    await page.get_by_role("button", name="Show 30 more of 201 stations").click()
    await expect(links).to_have_count(60)
    await keeps(page, "map-of-300")
    other = await enter(visits, api, "#/stations?free=1&plug=chademo")
    await expect(other.get_by_role("status").filter(has_text="201 of 300 stations")).to_have_count(1)
    await expect(other.get_by_role("button", name="Available now")).to_have_attribute("aria-pressed", "true")


async def test_the_nearest_comes_first_once_the_place_is_known(visits: Visits, api: Cloud) -> None:
    place = {"latitude": 60.45, "longitude": 22.27}
    page = await enter(visits, api, geolocation=place, permissions=["geolocation"])
    await page.get_by_role("button", name="Near me").click()
    first = page.get_by_role("list", name="Stations").get_by_role("link").first
    await expect(first).to_contain_text("Market")
    await expect(first).to_contain_text("km")


async def test_a_lost_answer_of_the_provider_holds_once(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, CHARGE)
    api.provider.faults.append(Fault.LOST_AFTER)
    await holds(page)
    await expect(page.get_by_role("heading", name="Paid for: ready to start")).to_be_visible(timeout=30_000)
    assert len(api.provider.holds) == 1


async def test_a_declined_card_is_followed_by_a_new_wish(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, CHARGE)
    await holds(page, "Visa that is declined")
    await expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")
    await holds(page)
    await expect(page.get_by_role("heading", name="Paid for: ready to start")).to_be_visible()
    assert len(api.provider.holds) == 2


async def test_a_wallet_can_be_left_without_paying(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, CHARGE)
    await holds(page, "PayPal")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("heading", name="Payment")).to_be_visible()
    assert not api.provider.holds


async def test_the_live_page_says_why_and_what_would_change_it(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api)
    await starts(page, api)
    why = page.get_by_role("region", name="Why this power")
    await expect(why).to_contain_text("the grid operator limits the station to 10.6 kW")
    await expect(why).to_contain_text("More comes when the grid operator lifts the limit.")
    figures = page.get_by_role("article", name="Charging now")
    await expect(figures).to_contain_text(re.compile(r"Time left\s*35\smin – 1\sh 20\smin"))
    await expect(figures).to_contain_text("3.21 kWh")


async def test_signing_out_leaves_nothing_on_the_device(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api)
    await starts(page, api)
    stored = """() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]
        .filter((key) => key !== "powerctl.language" && key !== "powerctl.filters")"""
    await page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    assert "powerctl.last" in await page.evaluate(stored)
    await visit(page, api, "#/account")
    await page.get_by_role("region").or_(page.get_by_role("main")).get_by_role("button", name="Sign out").first.click()
    await expect(page.get_by_role("heading", name="You have signed out")).to_be_visible()
    assert await page.evaluate(stored) == []


async def test_a_message_reaches_a_page_that_looks_elsewhere(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, permissions=["notifications"])
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    devtools = await page.context.new_cdp_session(page)
    known: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def note(event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            known.put_nowait(one)

    devtools.on("ServiceWorker.workerRegistrationUpdated", note)
    await devtools.send("ServiceWorker.enable")
    registration = (await asyncio.wait_for(known.get(), 30))["registrationId"]
    pushed = '{"title": "Harbour", "body": "Charging has finished.", "kind": "finished"}'
    message = {"origin": api.web, "registrationId": registration, "data": pushed}
    await devtools.send("ServiceWorker.deliverPushMessage", message)
    shown = """async () => {
        const worker = await navigator.serviceWorker.ready;
        return (await worker.getNotifications()).map(({title, body, tag}) => [title, body, tag]);
    }"""
    await page.wait_for_function(f"async () => (await ({shown})()).length > 0")
    assert await page.evaluate(shown) == [["Harbour", "Charging has finished.", "finished"]]


PUSH_KEY: Final = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
"""A point of P-256, from RFC 8291, appendix A."""


async def test_what_the_driver_wants_to_hear_is_kept(visits: Visits, cloud: FakeCloud) -> None:
    saved = notification_pb2.NotificationSettings(email="aino@example.org", on_slowed=True, email_available=True)
    cloud.answers["UpdateNotificationSettings"] = saved
    page = await visits.open(f"{cloud.url}/#signin=driver&to=/account")
    await expect(page.get_by_text("This service sends no messages to devices.")).to_be_visible()
    await page.get_by_label("By e-mail to").fill("aino@example.org")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await expect(page.get_by_label("is slowed by the grid")).to_be_checked()


async def test_a_browser_without_a_push_service_says_so(visits: Visits, cloud: FakeCloud) -> None:
    offered = notification_pb2.NotificationSettings(push_key=PUSH_KEY, email_available=True)
    cloud.answers["GetNotificationSettings"] = offered
    page = await visits.open(f"{cloud.url}/#signin=driver", permissions=["notifications"])
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.get_by_role("link", name="You").click()
    await page.get_by_role("button", name="Turn on").click()
    await expect(page.get_by_role("alert")).to_contain_text("The browser could not register", timeout=30_000)
    await expect(page.get_by_label("By e-mail to")).to_be_editable()
    # Chromium's own words about a window that keeps nothing.
    visits.problems[:] = [problem for problem in visits.problems if "Push API" not in problem]


PAGES: Final = (
    ("#/stations", "Where"),
    (HERE, "Harbour"),
    (RESERVE, "Reserve"),
    (CHARGE, "Payment"),
    ("#/account", "You"),
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
async def test_every_page_is_for_everybody(visits: Visits, api: Cloud, theme: str, size: tuple[int, int]) -> None:
    """Axe finds nothing, nothing is wider than the window, and a picture of each page is kept."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = await enter(visits, api, size=size, color_scheme=theme)
    found: dict[str, Any] = {}

    async def look(name: str) -> None:
        wide = await page.evaluate("document.documentElement.scrollWidth")
        found[name] = [*await violations(page), *([f"{wide} px wide"] if wide > size[0] else [])]
        await page.screenshot(path=PICTURES / f"app-{name}-{theme}-{size[0]}.png", full_page=True)

    for number, (where, words) in enumerate(PAGES):
        await visit(page, api, where)
        await expect(page.get_by_role("main")).to_contain_text(words)
        await expect(page.locator(".loading")).to_have_count(0)
        await look(f"{number}-{words.lower()}")
    await visit(page, api, CHARGE)
    await holds(page, "PayPal")
    await expect(page.get_by_role("heading", name="PayPal")).to_be_visible()
    await look("5-wallet")
    await page.get_by_role("button", name="Cancel").click()
    await starts(page, api)
    await page.get_by_text("Every limit, lowest first").click()
    await look("6-live")
    assert {where: what for where, what in found.items() if what} == {}


async def test_finnish_has_every_word(visits: Visits, api: Cloud) -> None:
    page = await enter(visits, api, locale="fi-FI")
    await expect(page.get_by_role("heading", name="Missä haluat ladata?")).to_be_visible()
    await visit(page, api, CHARGE)
    await expect(page.get_by_role("heading", name="Mitä se maksaa")).to_be_visible()
    await expect(page.get_by_role("button", name="Varaa 50,00 €")).to_be_visible()
