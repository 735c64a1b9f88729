"""From settings and saved values to the parts: slots, rights and the first register image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command
from powerctl.core.units import Power
from powerctl.signals import lpc
from powerctl.signals.image import Image
from powerctl.signals.mailbox import Commission, Mailbox, open_mailbox
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.rights import Rights, Role, Standing, networks
from powerctl.signals.settings import GridSettings, ModbusRtuSettings, SlotSettings
from powerctl.signals.slots import Slots, held, readback
from powerctl.signals.store import Saved, SavedSlot

MANUFACTURER: Final = "powerctl"
MODEL: Final = "DC fast charging station"
INT16_MAX: Final = 0x7FFF
_HELD: Final = {"pause": Command.PAUSE, "emergency": Command.EMERGENCY, None: None}
_SAVED_HELD: Final = {Command.PAUSE: "pause", Command.EMERGENCY: "emergency"}
_SCALES: Final = {"V_SF": -1, "A_SF": -1, "Hz_SF": -2, "TotWh_SF": 0, "Pct_SF": 0}
"""Scale factors by name; that of power follows the rating."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What model 1 says."""

    station: str
    """Its first 32 characters are shown."""
    software_version: str
    """Its first 16 characters are shown."""


def power_scale(rating: Power) -> int:
    """The scale factor under which `rating` fits a signed register."""
    scale = 0
    while rating.w / 10.0**scale > INT16_MAX:
        scale += 1
    return scale


def rights_of(settings: GridSettings) -> Rights:
    """Who may write, as commissioned."""
    slots = {slot.index: networks(slot.writers) for slot in settings.slots if slot.commissioned}
    clients = settings.modbus_tls.clients if settings.modbus_tls else ()
    return Rights(
        slots,
        networks(settings.installers),
        certificates={client.fingerprint: frozenset(client.slots) for client in clients},
        lines={line.device: _standing(line) for line in settings.modbus_rtu},
        control_slot=settings.controlling.index if settings.controlling else None,
    )


def _standing(line: ModbusRtuSettings) -> Standing:
    roles = {Role.GRID_SERVICE} if line.slots else set()
    if line.installer:
        roles |= {Role.NETWORK_ADMINISTRATOR, Role.SUPER_ADMINISTRATOR}
    return Standing(frozenset(roles), frozenset(line.slots))


def open_slots(settings: GridSettings, rating: Power, saved: Saved, now: Monotonic) -> Slots:
    """The commissioned slots, limited to their failsafe values; saved values go before settings (LPC-TS-019)."""
    commissioned = [slot for slot in settings.slots if slot.commissioned]
    return Slots({slot.index: _open(slot, rating, saved.slots.get(slot.index), now) for slot in commissioned})


def _open(slot: SlotSettings, rating: Power, saved: SavedSlot | None, now: Monotonic) -> Mailbox:
    failsafe_w = slot.failsafe_w if saved is None else saved.failsafe_w
    failsafe_min_s = slot.failsafe_min_s if saved is None else saved.failsafe_min_s
    return open_mailbox(
        Commission(slot.limit_source, rating, power_scale(rating), slot.settle, slot.autonomy),
        lpc.Timing(slot.heartbeat_timeout_s, failsafe_min_s, slot.autonomy),
        Power(failsafe_w),
        now,
        held=None if saved is None else _HELD[saved.held],
    )


def saved_of(slots: Slots, charge_rate_max: Power | None, now: Monotonic) -> Saved:
    """What must survive a restart."""
    return Saved(
        slots={index: _saved_slot(slots[index], now) for index in slots},
        charge_rate_max_w=None if charge_rate_max is None else charge_rate_max.w,
    )


def _saved_slot(box: Mailbox, now: Monotonic) -> SavedSlot:
    command = held(box, now)
    return SavedSlot.model_validate(
        {
            "failsafe_w": box.watts("FsW").w,
            "failsafe_min_s": box.registers["FsTms"],
            "held": _SAVED_HELD.get(command) if command else None,
        }
    )


def fresh_image(
    rating: Power, slots: Slots, identity: Identity, charge_rate_max: Power | None, now: Monotonic
) -> Image:
    """The register image before the first measurement."""
    image = Image(REGISTER_MAP)
    for field in REGISTER_MAP.fields:
        if field.point.implemented and field.point.name in _SCALES:
            image.put(field.path, _SCALES[field.point.name])
        elif field.point.implemented and field.point.name == "W_SF":
            image.put(field.path, power_scale(rating))
    image.put_all(
        {
            "1.Mn": MANUFACTURER,
            "1.Md": MODEL,
            "1.Vr": identity.software_version[:16],
            "1.SN": identity.station[:32],
            "701.ACType": 2,
            "701.ConnSt": 1,
            "64300.CmtMod": 0,
        }
    )
    image.put_scaled("702.WMaxRtg", rating.w)
    image.put_scaled("702.WChaRteMaxRtg", rating.w)
    image.put_scaled("702.WChaRteMax", (rating if charge_rate_max is None else min(charge_rate_max, rating)).w)
    for index in slots:
        image.put_all({f"64300.Src.{index}.{name}": value for name, value in readback(slots[index], now).items()})
    return image
