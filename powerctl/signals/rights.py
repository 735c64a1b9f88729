"""Who may write what: closed until commissioned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.layout import Field

Network = IPv4Network | IPv6Network
SLOT_GROUP = "Src"
MAILBOX_ID = 64300


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks as written in settings. Raises ValueError: one is neither."""
    return tuple(ip_network(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Rights:
    """Peers that are commissioned to write by plain Modbus/TCP."""

    slots: Mapping[int, tuple[Network, ...]]
    """Writers of each commissioned slot of model 64300."""
    installers: tuple[Network, ...] = ()
    """Writers of the station's own settings."""

    def is_open(self, field: Field) -> bool:
        """False: nobody may write the point now; it reads as *not implemented* or is read only."""
        if not (field.point.writable and field.point.implemented):
            return False
        return field.group != SLOT_GROUP or field.index in self.slots

    def permits(self, authority: Authority, field: Field) -> bool:
        """True if `authority` may write the open point `field`."""
        if authority.channel is not Channel.MODBUS_TCP:
            return False
        return _is_in(authority.peer, self._writers(field))

    def is_writer(self, authority: Authority) -> bool:
        """True if `authority` may write anything at all."""
        everyone = (*self.installers, *(network for writers in self.slots.values() for network in writers))
        return authority.channel is Channel.MODBUS_TCP and _is_in(authority.peer, everyone)

    def _writers(self, field: Field) -> tuple[Network, ...]:
        if field.group == SLOT_GROUP:
            return self.slots[field.index]
        if field.model == MAILBOX_ID:
            return tuple(network for writers in self.slots.values() for network in writers)
        return self.installers


@lru_cache(maxsize=256)
def _is_in(peer: str, allowed: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in allowed)
