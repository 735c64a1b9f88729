"""Axe finds nothing against WCAG 2.2 AA on any page, in any theme, on a phone and on a desk."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from powerctl.v1 import common_pb2, location_pb2, session_pb2
from tests.e2e import station
from tests.e2e.axe import violations
from tests.e2e.browser import DESKTOP, PHONE, Visits
from tests.e2e.fake_cloud import FakeCloud

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def _busy() -> location_pb2.Location:
    dso = station.limit(common_pb2.LIMIT_SOURCE_DSO, 3_700, "Set by the grid operator.", for_s=600)
    left = station.live(
        common_pb2.CONNECTOR_STATE_CHARGING,
        power=3_600,
        limit_w=3_700,
        soc=63,
        session="sessions/s-1",
        why="3.7 kW: the grid operator limits the station.",
        reasons=[dso],
        age_s=42,
    )
    faulted = station.live(common_pb2.CONNECTOR_STATE_FAULTED)
    return station.location(left, faulted, ac=4_000, cap=4_200, source=common_pb2.LIMIT_SOURCE_DSO, manager=False)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
async def test_axe_finds_nothing(visits: Visits, cloud: FakeCloud, theme: str, size: tuple[int, int]) -> None:
    cloud.say(_busy())
    cloud.say(station.session("s-1", station.LEFT, session_pb2.SESSION_STATE_ACTIVE, stoppable=True, cents=95))
    cloud.say(station.session("s-0", station.RIGHT, session_pb2.SESSION_STATE_NEEDS_REVIEW, detail="No meter."))
    cloud.receipts["receipts/r-1042"] = station.receipt()
    page = await visits.open(f"{cloud.url}/", size=size, color_scheme=theme)
    await expect(page.get_by_role("heading", name="How would you like to charge?")).to_be_visible()
    found = {"sign-in": await violations(page)}
    await page.goto(f"{cloud.url}/#signin=operator")
    await expect(page.get_by_role("article", name="Left")).to_be_visible()
    for summary in await page.locator("summary").all():
        await summary.click()
    found["station"] = await violations(page)
    await page.get_by_role("button", name="Stop charging").click()
    found["dialog"] = await violations(page)
    for route in ("sessions", "receipts/r-1042"):
        await page.goto(f"{cloud.url}/#/{route}")
        await expect(page.get_by_role("table")).to_be_visible()
        found[route] = await violations(page)
    assert {where: what for where, what in found.items() if what} == {}
