"""Who may sign in and which stations may speak, from the control room in a real browser."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.async_api import Page, expect

from cloud.domain import otp
from cloud.domain.principal import Principal, Role
from powerctl.runtime.pki import create_ca, request
from powerctl.v1 import identity_pb2, station_identity_pb2, tariff_pb2
from tests.checklist.crowd import Crowd
from tests.contract.api.peers import Json
from tests.contract.api.test_tariffs import draft
from tests.e2e.browser import Visits
from tests.e2e.control import ADA, confirms, enters, keeps, settles
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import migrated
from tests.unit.cloud.stories import OPAL

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def api(tmp_path: Path) -> AsyncIterator[Cloud]:
    address = f"sqlite:///{tmp_path / 'cloud.db'}"
    await migrated(address)
    async with cloud(address, signer=create_ca(tmp_path / "ca", "stations of a test")) as running:
        await settles(running)
        yield running


async def shown_once(page: Page) -> tuple[str, bytes]:
    """Password and second factor of the person that was just made."""
    values = page.get_by_role("region", name="Hand this over now").get_by_role("definition")
    _, password, address = await values.all_inner_texts()
    secret = parse_qs(urlsplit(address).query)["secret"][0]
    return password, base64.b32decode(secret + "=" * (-len(secret) % 8))


async def makes(page: Page, user: str, name: str, role: str) -> None:
    await page.get_by_role("button", name="New person").first.click()
    form = page.get_by_role("dialog")
    await form.get_by_label("User name").fill(user)
    await form.get_by_label("Name", exact=True).fill(name)
    await form.get_by_label("Role").select_option(role)
    await form.get_by_role("button", name="Continue").click()
    await confirms(page, "New person")


async def test_a_new_utility_signs_in_with_password_and_code(visits: Visits, api: Cloud) -> None:
    admin = await enters(visits, api, ADA)
    await makes(admin, "gerda", "Gerda Grid", "Utility")
    password, secret = await shown_once(admin)
    await keeps(admin, "people")

    page = await visits.open(f"{api.web}/")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("User name").fill("gerda")
    await page.get_by_label("Password").fill(password)
    await page.get_by_label("code").fill(otp.code(secret, otp.step_at(api.world.clock.utc())))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Grid")).to_be_visible(timeout=30_000)
    await expect(page.get_by_text("Worst latency")).to_be_visible()


async def test_a_reset_ends_what_the_person_had_open(visits: Visits, api: Cloud) -> None:
    admin = await enters(visits, api, ADA)
    await makes(admin, "olli", "Olli", "Operator")
    await admin.get_by_role("button", name="I have handed it over").click()
    await admin.get_by_role("row").filter(has_text="Olli").get_by_role("button", name="Reset").click()
    await confirms(admin, "Reset")
    password, _ = await shown_once(admin)
    assert len(password) >= 16
    await admin.get_by_role("row").filter(has_text="Olli").get_by_role("button", name="Edit").click()
    await admin.get_by_role("dialog").get_by_label("Role").select_option("Operator, viewing")
    await admin.get_by_role("dialog").get_by_role("button", name="Continue").click()
    await confirms(admin, "Save")
    await expect(admin.get_by_role("row").filter(has_text="Olli")).to_contain_text("Operator, viewing")


async def test_a_station_is_enrolled_and_shut_out(visits: Visits, api: Cloud) -> None:
    page = await enters(visits, api, ADA, "/operate/certificates")
    station = page.get_by_role("region", name="Harbour demo-1")
    await station.get_by_role("button", name="Enrolment token").click()
    await confirms(page, "Enrolment token")
    token = await page.get_by_role("region", name="Enrolment token for demo-1").locator("code").inner_text()
    asked = request(ec.generate_private_key(ec.SECP256R1()), "demo-1").public_bytes(serialization.Encoding.PEM)
    enrolment = station_identity_pb2.EnrolStationRequest(token=token, certificate_request=asked.decode())
    method = "StationIdentityService/EnrolStation"
    await Json(api.web).call(method, enrolment, station_identity_pb2.StationCertificate)
    await expect(station.get_by_role("row").filter(has_text="Valid")).to_have_count(1, timeout=30_000)
    await station.get_by_role("button", name="Revoke").click()
    await confirms(page, "Revoke", note="Stolen from the quay.")
    await expect(station.get_by_role("row").filter(has_text="Revoked")).to_have_count(1)
    await keeps(page, "certificates")


async def test_a_wrong_code_opens_nothing(visits: Visits, api: Cloud) -> None:
    admin = await enters(visits, api, ADA)
    await makes(admin, "gerda", "Gerda Grid", "Utility")
    password, secret = await shown_once(admin)
    page = await visits.open(f"{api.web}/")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("User name").fill("gerda")
    await page.get_by_label("Password").fill(password)
    long_ago = api.world.clock.utc() - timedelta(hours=1)
    await page.get_by_label("code").fill(otp.code(secret, otp.step_at(long_ago)))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_role("navigation", name="Control room")).to_have_count(0)


async def test_what_one_has_asked_for_is_done_when_another_approves_it(visits: Visits, api: Cloud) -> None:
    people = Crowd(api)
    await people.create("vera", identity_pb2.ROLE_BILLING)
    made = await people.ask("TariffService/CreateTariff", draft(), tariff_pb2.Tariff, OPAL)
    page = await enters(visits, api, OPAL, "/operate/tariffs")
    await page.get_by_role("article", name=made.display_name).get_by_role("button", name="Publish").click()
    question = page.get_by_role("dialog", name="Publish Winter")
    await question.get_by_role("button", name="Publish").click()
    await expect(question.get_by_role("alert")).to_contain_text("A second person must approve this within 24 hours.")
    await question.get_by_role("button", name="Cancel").click()
    await page.evaluate("window.location.hash = '/operate/approvals'")
    waiting = page.get_by_role("article", name="Publish the tariff Winter")
    await expect(waiting).to_contain_text(f"Somebody else than {OPAL.display_name} must approve it.")
    await expect(waiting.get_by_role("button")).to_have_count(0)
    assert api.world.store.tariff.name == "Day"

    other = await enters(visits, api, Principal("vera", "Vera", Role.BILLING), "/operate/approvals")
    waiting = other.get_by_role("article", name="Publish the tariff Winter")
    await waiting.get_by_role("button", name="Approve").click()
    await confirms(other, "Approve")
    await expect(waiting).to_contain_text("Decided by vera")
    await expect(waiting.get_by_text("Done", exact=True)).to_be_visible()
    assert api.world.store.tariff.name == "Winter"
    await keeps(other, "approvals")
