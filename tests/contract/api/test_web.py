"""The web port towards browsers: cookies, other sites' pages, headers, plain routes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from cloud.domain.policy import POLICY
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import ANNA, OPAL, SESSION, describes, plugged

SIGN_IN = "/powerctl.v1.IdentityService/SignIn"
ME = "/powerctl.v1.IdentityService/GetPrincipal"
COOKIE = "powerctl-session"
JSON = {"content-type": "application/json"}


@pytest.fixture
async def browser(api: Cloud) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=api.web, verify=False, headers={"origin": api.web}) as client:
        yield client


async def signed_in(api: Cloud, browser: httpx.AsyncClient) -> httpx.Response:
    answer = await browser.post(SIGN_IN, json={"token": api.sign_in_token(OPAL)})
    assert answer.status_code == 200
    return answer


async def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(
    api: Cloud, browser: httpx.AsyncClient
) -> None:
    cookie = (await signed_in(api, browser)).headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/", "max-age=900"))
    assert (await browser.post(ME, json={})).json()["displayName"] == "Opal"


async def test_over_tls_the_cookie_is_bound_to_the_host(files: SqliteFiles) -> None:
    async with cloud(await files.new(), secure=True) as api, httpx.AsyncClient(base_url=api.web) as browser:
        answer = await signed_in(api, browser)
        assert answer.headers["set-cookie"].startswith("__Host-powerctl-session=")
        assert "; secure" in answer.headers["set-cookie"].lower()
        assert "strict-transport-security" in answer.headers


async def test_the_cookie_renews_itself_while_it_is_used_and_ends_after_twelve_hours(
    api: Cloud, browser: httpx.AsyncClient
) -> None:
    first = (await signed_in(api, browser)).cookies[COOKIE]
    assert (await browser.post(ME, json={})).cookies.get(COOKIE) is None
    for _ in range(12 * 6):
        api.world.clock.advance(10 * 60 - 1)
        answer = await browser.post(ME, json={})
        assert (answer.status_code, answer.cookies[COOKIE] != first) == (200, True)
    api.world.clock.advance(10 * 60)
    assert (await browser.post(ME, json={})).status_code == 401


async def test_an_idle_browser_is_signed_out_after_a_quarter_of_an_hour(api: Cloud, browser: httpx.AsyncClient) -> None:
    await signed_in(api, browser)
    api.world.clock.advance(15 * 60)
    assert (await browser.post(ME, json={})).status_code == 401
    assert (await browser.post(SIGN_IN, json={"token": api.sign_in_token(OPAL)})).status_code == 200


async def test_signing_out_deletes_the_cookie_and_ends_every_copy_of_it(api: Cloud, browser: httpx.AsyncClient) -> None:
    copy = (await signed_in(api, browser)).cookies[COOKIE]
    answer = await browser.post("/powerctl.v1.IdentityService/SignOut", json={})
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    async with httpx.AsyncClient(base_url=api.web, cookies={COOKIE: copy}) as thief:
        assert (await thief.post(ME, json={})).status_code == 401
        api.sign_ins._ended.clear()
        api.world.clock.advance(6 * 60)
        assert COOKIE not in (await thief.post(ME, json={})).cookies


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_another_sites_page_cannot_act_for_the_person(
    api: Cloud, browser: httpx.AsyncClient, origin: str
) -> None:
    await signed_in(api, browser)
    answer = await browser.post(ME, json={}, headers={"origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


async def test_the_configured_public_address_is_our_own_page(api: Cloud, browser: httpx.AsyncClient) -> None:
    await signed_in(api, browser)
    assert (await browser.post(ME, json={}, headers={"origin": "https://charge.example"})).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_content_that_a_form_can_send_is_not_taken(api: Cloud, browser: httpx.AsyncClient, kind: str) -> None:
    await signed_in(api, browser)
    for path in (ME, f"/v1/sessions/{SESSION}:stop"):
        answer = await browser.post(path, content=b"{}", headers={"content-type": kind})
        assert answer.status_code == 415


async def test_every_answer_carries_the_headers_that_bind_the_browser(api: Cloud, browser: httpx.AsyncClient) -> None:
    for path in ("/", "/v1/locations", "/missing.js", "/powerctl.v1.Nothing/Here"):
        headers = (await browser.get(path)).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["script-src"] == "'self'"
        assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert "server" not in headers


async def test_the_page_is_served_and_unknown_files_are_not(api: Cloud, browser: httpx.AsyncClient) -> None:
    page = await browser.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (await browser.get("/sessions/123")).text == page.text
    assert (await browser.get("/", headers={"if-none-match": page.headers["etag"]})).status_code == 304
    assert (await browser.get("/nothing.js")).status_code == 404
    assert (await browser.get("/../settings.py")).status_code in (200, 404)
    assert (await browser.delete("/")).status_code == 405


async def test_plain_routes_read_start_and_stop(api: Cloud) -> None:
    await api.world.reports(describes(), *plugged())
    request = {"requestId": str(uuid.uuid4())}
    headers = {"authorization": f"Bearer {api.token(ANNA)}"}
    async with httpx.AsyncClient(base_url=api.web, headers=headers) as curl:
        locations = (await curl.get("/v1/locations")).json()["locations"]
        plug = locations[0]["evses"][0]["connectors"][0]
        started = await curl.post(f"/v1/{plug['name']}:start", json=request)
        assert (started.status_code, started.json()["state"]) == (200, "SESSION_STATE_PENDING")
        assert (await curl.get(f"/v1/{locations[0]['name']}")).json()["displayName"] == "Harbour"
        assert len((await curl.get("/v1/sessions?pageSize=10")).json()["sessions"]) == 1
        stopped = await curl.post(f"/v1/{started.json()['name']}:stop", json={"requestId": str(uuid.uuid4())})
        assert stopped.json()["state"] == "SESSION_STATE_STOPPING"
        assert (await curl.get(f"/v1/sessions/{SESSION}")).json()["connector"] == plug["name"]
        assert (await curl.get("/v1/receipts")).json() == {"receipts": [], "nextPageToken": ""}


@pytest.mark.parametrize(
    ("verb", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("DELETE", "/v1/locations", 501, "unimplemented"),
        ("GET", "/v1/sessions?secret=1", 400, "invalid_argument"),
        ("GET", "/v1/sessions?pageSize=-1", 400, "invalid_argument"),
        ("GET", "/v1/sessions/unknown", 404, "not_found"),
        ("POST", "/powerctl.v1.WatchService/Watch", 501, "unimplemented"),
        ("POST", "/powerctl.v1.SessionService/Delete", 404, "not_found"),
    ],
)
async def test_what_is_not_there_is_refused_in_json(api: Cloud, verb: str, path: str, status: int, code: str) -> None:
    headers = {"authorization": f"Bearer {api.token(OPAL)}", **JSON}
    async with httpx.AsyncClient(base_url=api.web, headers=headers) as curl:
        answer = await curl.request(verb, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name": 3}', b'{"other": 1}', b"[" * 5000, b'"text"', b"\xff"])
async def test_bodies_that_are_not_the_request_are_invalid(api: Cloud, body: bytes) -> None:
    headers = {"authorization": f"Bearer {api.token(OPAL)}", **JSON}
    async with httpx.AsyncClient(base_url=api.web, headers=headers) as curl:
        answer = await curl.post("/powerctl.v1.SessionService/GetSession", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


async def test_a_large_body_is_refused_before_it_is_read(api: Cloud) -> None:
    async with httpx.AsyncClient(base_url=api.web, headers=JSON) as curl:
        answer = await curl.post(ME, content=b" " * 200_000)
    assert answer.json()["code"] == "resource_exhausted"


async def test_the_description_is_served_to_those_who_have_signed_in(api: Cloud) -> None:
    async with httpx.AsyncClient(base_url=api.web) as client:
        assert (await client.get("/v1/openapi.json")).status_code == 401
        answered = await client.get("/v1/openapi.json", headers={"authorization": f"Bearer {api.token(ANNA)}"})
        assert (await client.post("/v1/openapi.json", json={})).status_code == 404
    assert answered.headers["content-type"] == "application/json"
    assert sorted(answered.json()["paths"]) == sorted(set(POLICY) - {"/powerctl.v1.WatchService/Watch"})
