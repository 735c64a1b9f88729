"""Who may read and write what: a table of roles, closed until commissioned.

By Modbus/TCP Security the role comes from the peer's certificate, and its slots from the settings. A commissioned
address of plain Modbus/TCP, or a commissioned serial line, stands for the roles that the settings give it.
Sources: Secure SunSpec Modbus 1.0; Modbus/TCP Security R-23, R-27 to R-31.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from powerctl.signals.grid_signal import Authority, Channel
from powerctl.signals.layout import Field

Network = IPv4Network | IPv6Network
SLOT_GROUP: Final = "Src"
MAILBOX_ID: Final = 64300
DSO_SLOT: Final = 0


class Role(StrEnum):
    """The mandatory roles of Secure SunSpec Modbus; the values are those of the certificate extension."""

    READ_ONLY = "ReadOnlySunSpec"
    GRID_SERVICE = "GridServiceSunSpec"
    NETWORK_ADMINISTRATOR = "NetworkAdministratorSunSpec"
    SUPER_ADMINISTRATOR = "SuperAdministratorSunSpec"


class Area(Enum):
    """Writable points that share a rule; the values are for people."""

    SLOT = "A source's slot of 64300"
    FAILSAFE = "FsW, FsTms and HbTms of a slot"
    SHARED = "64300.CmtMod, 715.ControllerHb and the schedule 64303"
    CONTROL = "SunSpec's own controls (704), the connectors (64302) and the arming of the frequency response"
    SETTINGS = "Ratings and return (702, 703)"
    OPERATION = "715.OpCtl and 715.AlarmReset"
    NETWORK = "1.DA"


class Bound(Enum):
    """What a role needs besides itself; the values are for people."""

    NOTHING = "yes"
    SLOT = "bound to that slot"
    DSO_SLOT = "bound to slot 0, there"
    ANY_SLOT = "bound to a slot"
    CONTROL_SLOT = "bound to the controlling slot"


TABLE: Final[Mapping[Role, Mapping[Area, Bound]]] = {
    Role.READ_ONLY: {},
    Role.GRID_SERVICE: {
        Area.SLOT: Bound.SLOT,
        Area.FAILSAFE: Bound.DSO_SLOT,
        Area.SHARED: Bound.ANY_SLOT,
        Area.CONTROL: Bound.CONTROL_SLOT,
    },
    Role.NETWORK_ADMINISTRATOR: {Area.OPERATION: Bound.NOTHING, Area.NETWORK: Bound.NOTHING},
    Role.SUPER_ADMINISTRATOR: {
        Area.FAILSAFE: Bound.NOTHING,
        Area.SETTINGS: Bound.NOTHING,
        Area.OPERATION: Bound.NOTHING,
        Area.NETWORK: Bound.NOTHING,
    },
}
"""What each role may write. Every role reads everything; a peer without one of these roles has no right at all."""

_FAILSAFE_POINTS: Final = frozenset({"FsW", "FsTms", "HbTms"})
_AREAS_OF_POINTS: Final = {
    "1.DA": Area.NETWORK,
    "64300.CmtMod": Area.SHARED,
    "715.ControllerHb": Area.SHARED,
    "715.OpCtl": Area.OPERATION,
    "715.AlarmReset": Area.OPERATION,
}
_AREAS_OF_MODELS: Final = {64303: Area.SHARED, 64302: Area.CONTROL, 64301: Area.CONTROL, 704: Area.CONTROL}


def area_of(field: Field) -> Area:
    """The rule that a writable point falls under; what has no rule of its own is a setting."""
    if field.group == SLOT_GROUP:
        return Area.FAILSAFE if field.point.name in _FAILSAFE_POINTS else Area.SLOT
    return _AREAS_OF_POINTS.get(field.path) or _AREAS_OF_MODELS.get(field.model, Area.SETTINGS)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a peer counts as."""

    roles: frozenset[Role] = frozenset()
    slots: frozenset[int] = frozenset()
    """Slots it is bound to."""


NOBODY: Final = Standing()


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks as written in settings. Raises ValueError: one is neither."""
    return tuple(ip_network(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Rights:
    """Who is commissioned, over which front end."""

    slots: Mapping[int, tuple[Network, ...]]
    """Commissioned slots of model 64300, each with its writers by plain Modbus/TCP."""
    installers: tuple[Network, ...] = ()
    """Addresses that count as both kinds of administrator by plain Modbus/TCP."""
    certificates: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Slots that each certificate, by its SHA-256 fingerprint, is bound to."""
    lines: Mapping[str, Standing] = field(default_factory=dict)
    """What the peer on a serial line counts as."""
    control_slot: int | None = None
    """The slot whose source also speaks through SunSpec's own controls. None: nobody does."""

    def is_open(self, field: Field) -> bool:
        """False: nobody may write the point now; it reads as *not implemented* or is read only."""
        if not (field.point.writable and field.point.implemented):
            return False
        return field.group != SLOT_GROUP or field.index in self.slots

    def may_read(self, authority: Authority) -> bool:
        """False: the peer shows no role where it must show one."""
        return authority.channel is not Channel.MODBUS_TLS or _role(authority) is not None

    def permits(self, authority: Authority, field: Field) -> bool:
        """True if `authority` may write the open point `field`."""
        standing, area = self.standing(authority), area_of(field)
        bounds = (TABLE[role].get(area) for role in standing.roles)
        return any(self._is_met(bound, standing, field) for bound in bounds if bound is not None)

    def is_writer(self, authority: Authority) -> bool:
        """True if `authority` may write anything at all."""
        standing = self.standing(authority)
        return any(TABLE[role] for role in standing.roles) and (
            standing.roles != {Role.GRID_SERVICE} or bool(standing.slots)
        )

    def slots_of(self, authority: Authority) -> frozenset[int]:
        """The commissioned slots that `authority` speaks for."""
        standing = self.standing(authority)
        return standing.slots & self.slots.keys() if Role.GRID_SERVICE in standing.roles else frozenset()

    def standing(self, authority: Authority) -> Standing:
        """What `authority` counts as."""
        if authority.channel is Channel.MODBUS_TLS:
            role = _role(authority)
            bound = self.certificates.get(authority.fingerprint or "", frozenset())
            return NOBODY if role is None else Standing(frozenset({role}), bound)
        if authority.channel is Channel.MODBUS_RTU:
            return self.lines.get(authority.peer, NOBODY)
        return self._address(authority.peer) if authority.channel is Channel.MODBUS_TCP else NOBODY

    def _address(self, peer: str) -> Standing:
        slots = frozenset(index for index, writers in self.slots.items() if _is_in(peer, writers))
        roles = {Role.GRID_SERVICE} if slots else set()
        if _is_in(peer, self.installers):
            roles |= {Role.NETWORK_ADMINISTRATOR, Role.SUPER_ADMINISTRATOR}
        return Standing(frozenset(roles), slots)

    def _is_met(self, bound: Bound, standing: Standing, field: Field) -> bool:
        slots = standing.slots & self.slots.keys()
        return {
            Bound.NOTHING: True,
            Bound.SLOT: field.index in slots,
            Bound.DSO_SLOT: field.index == DSO_SLOT and DSO_SLOT in slots,
            Bound.ANY_SLOT: bool(slots),
            Bound.CONTROL_SLOT: self.control_slot in slots,
        }[bound]


def _role(authority: Authority) -> Role | None:
    try:
        return Role(authority.role or "")
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _is_in(peer: str, allowed: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in allowed)
