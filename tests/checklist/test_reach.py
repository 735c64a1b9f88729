"""Addresses that strangers name lead nowhere but to the Internet."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from cloud.notify.reach import Reach, is_public
from powerctl.core.errors import RemoteError

PUBLIC = "93.184.215.14"
METADATA = "169.254.169.254"


class Counting:
    """A network that notes what reached it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.host)
        return httpx.Response(302, headers={"location": f"https://{METADATA}/latest/meta-data"})


def reach(network: Counting, *answers: list[str]) -> Reach:
    left: Iterator[list[str]] = iter(answers)

    async def resolve(host: str) -> list[str]:
        return next(left)

    return Reach(httpx.AsyncClient(transport=httpx.MockTransport(network)), resolve)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        METADATA,
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "nothing",
    ],
)
async def test_row_43_private_addresses_are_not_reached(address: str) -> None:
    network = Counting()
    with pytest.raises(RemoteError, match="not a public address"):
        await reach(network, [address]).post("https://push.example.net/x", b"", {})
    assert network.asked == []
    assert not is_public(address)


async def test_row_43_one_private_address_among_public_ones_is_enough() -> None:
    with pytest.raises(RemoteError, match="not a public address"):
        await reach(Counting(), [PUBLIC, "10.0.0.1"]).post("https://push.example.net/x", b"", {})


async def test_row_43_a_name_that_resolves_differently_a_moment_later_reaches_what_was_looked_up() -> None:
    network = Counting()
    status = await reach(network, [PUBLIC], ["127.0.0.1"]).post("https://push.example.net/x", b"", {})
    assert network.asked == [PUBLIC]
    assert status == 302


async def test_row_43_a_redirect_is_an_answer_and_is_not_followed() -> None:
    network = Counting()
    await reach(network, [PUBLIC]).post("https://push.example.net/x", b"", {})
    assert len(network.asked) == 1


async def test_row_43_a_name_that_nobody_knows_is_refused() -> None:
    async def resolve(host: str) -> list[str]:
        raise OSError

    client = httpx.AsyncClient(transport=httpx.MockTransport(Counting()))
    with pytest.raises(RemoteError, match="not known"):
        await Reach(client, resolve).post("https://push.example.net/x", b"", {})
