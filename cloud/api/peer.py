"""Where a call comes from, also when proxies stand before us."""

from __future__ import annotations

from collections.abc import Collection

_LONGEST = 64


def peer_of(address: str, forwarded: str, proxies: Collection[str]) -> str:
    """Of what proxies have noted, the last that no proxy of ours is.

    Args:
        address: Address of the connection's other end. Empty: not known.
        forwarded: The header X-Forwarded-For. Empty: there is none.
        proxies: Addresses of the proxies that are believed.
    """
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    peer = address
    while peer in proxies and hops:
        peer = hops.pop()
    return peer[:_LONGEST]
