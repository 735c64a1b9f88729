"""The page, served from memory."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from cloud.web.assets import DIST, Assets


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("export {}")
    return tmp_path


async def get(folder: Path, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(Assets(folder))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path, headers=headers)


async def test_files_named_by_their_content_are_kept_for_ever(bundle: Path) -> None:
    answer = await get(bundle, "/assets/app-1a2b.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert (await get(bundle, "/")).headers["cache-control"] == "no-cache"


async def test_an_address_inside_the_page_is_the_page(bundle: Path) -> None:
    assert (await get(bundle, "/receipts/1")).text == (await get(bundle, "/")).text


async def test_what_is_not_in_the_folder_is_not_served(bundle: Path) -> None:
    for path in ("/assets/missing.js", "/%2e%2e/secret.txt", "/assets/../../etc/passwd.txt"):
        assert (await get(bundle, path)).status_code == 404


async def test_a_copy_that_is_still_right_is_not_sent_again(bundle: Path) -> None:
    tag = (await get(bundle, "/")).headers["etag"]
    assert (await get(bundle, "/", **{"if-none-match": tag})).status_code == 304


async def test_without_a_built_page_the_api_is_pointed_to(tmp_path: Path) -> None:
    assert "/v1/locations" in (await get(tmp_path / "none", "/")).text


def test_the_committed_page_has_no_inline_script() -> None:
    page = DIST / "index.html"
    if page.exists():
        assert "<script>" not in page.read_text()


async def test_text_is_sent_compressed_to_those_who_can_read_it(bundle: Path) -> None:
    script = "/* words and words */ " * 100
    (bundle / "assets" / "long-3c4d.js").write_text(script)
    packed = await get(bundle, "/assets/long-3c4d.js", **{"accept-encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(script) / 4
    assert packed.text == script
    plain = await get(bundle, "/assets/long-3c4d.js", **{"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == script
    again = await get(bundle, "/assets/long-3c4d.js", **{"if-none-match": packed.headers["etag"]})
    assert again.status_code == 304


async def test_what_gzip_does_not_shorten_is_sent_as_it_is(bundle: Path) -> None:
    (bundle / "icon.png").write_bytes(bytes(range(256)))
    assert "content-encoding" not in (await get(bundle, "/icon.png", **{"accept-encoding": "gzip"})).headers
