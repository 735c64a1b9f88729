"""Requests to addresses that strangers have named: only public ones, and only the one that was looked up.

The name is resolved once; the request goes to that very address, so that a name that resolves differently a moment
later (DNS rebinding) reaches nothing else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx

from powerctl.core.errors import RemoteError

TIMEOUT_S: Final = 10.0
Resolve = Callable[[str], Awaitable[list[str]]]


async def look_up(host: str) -> list[str]:
    """Addresses of `host`. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Reach:
    """Posts to public addresses.

    Args:
        client: Verifies certificates, follows no redirects.
        resolve: Looks names up.
    """

    client: httpx.AsyncClient
    resolve: Resolve = look_up

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> int:
        """Post; the status of the answer.

        Raises:
            RemoteError: Nobody answers there, or the address is not a public one.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        address = await self._public(host)
        literal = f"[{address}]" if ":" in address else address
        pinned = urlunsplit(("https", literal, parts.path, parts.query, ""))
        try:
            response = await self.client.post(
                pinned,
                content=content,
                headers={**headers, "Host": parts.netloc},
                extensions={"sni_hostname": host},
                timeout=TIMEOUT_S,
                follow_redirects=False,
            )
        except httpx.HTTPError as error:
            raise RemoteError(f"{host} does not answer: {type(error).__name__}") from error
        return response.status_code

    async def _public(self, host: str) -> str:
        try:
            found = await self.resolve(host)
        except OSError as error:
            raise RemoteError(f"{host} is not known") from error
        if not found or not all(is_public(address) for address in found):
            raise RemoteError(f"{host} is not a public address")
        return found[0]


def is_public(address: str) -> bool:
    """True when `address` is one of the Internet's: not of this machine, this network or a cloud's own services."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return mapped.is_global and not mapped.is_multicast
