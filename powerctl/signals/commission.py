"""From settings and saved values to the parts: slots, rights and the first register image."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from powerctl.core.clock import Monotonic
from powerctl.core.setpoint import Command
from powerctl.core.units import Power
from powerctl.signals import lpc
from powerctl.signals.controls import CHARGE_RATE, Commissioned, Controls, opened
from powerctl.signals.image import Image
from powerctl.signals.mailbox import Commission, Mailbox, Stamp, open_mailbox
from powerctl.signals.panel import FREQUENCY_MODE, Panel
from powerctl.signals.points import acceptable
from powerctl.signals.register_map import REGISTER_MAP
from powerctl.signals.rights import Rights, Role, Standing, networks
from powerctl.signals.schedule_points import COMPLETED, PRICE_SCALE, STAGED
from powerctl.signals.schedule_points import defaults as schedule_defaults
from powerctl.signals.settings import GridSettings, ModbusRtuSettings, SlotSettings
from powerctl.signals.slots import Slots, held
from powerctl.signals.store import Saved, SavedSlot
from powerctl.signals.vendor import CONNECTORS

MANUFACTURER: Final = "powerctl"
MODEL: Final = "DC fast charging station"
INT16_MAX: Final = 0x7FFF
_HELD: Final = {"pause": Command.PAUSE, "emergency": Command.EMERGENCY, None: None}
_SAVED_HELD: Final = {Command.PAUSE: "pause", Command.EMERGENCY: "emergency"}
_SCALES: Final = {
    "V_SF": -1,
    "A_SF": -1,
    "Hz_SF": -2,
    "TotWh_SF": 0,
    "Pct_SF": 0,
    "Prc_SF": PRICE_SCALE,
    "DCV_SF": -1,
    "DCA_SF": -1,
    "DCWH_SF": 0,
}
_POWER_SCALES: Final = frozenset({"W_SF", "WSet_SF", "DCW_SF"})
"""Scale factors by name; those of power follow the rating."""
EV_PORT: Final = 2
"""714.PrtTyp."""
MODES_OF_CONTROL: Final = 0x803
"""702.CtrlModes: MAX_W, FIXED_W, SCHEDULED."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What model 1 says."""

    station: str
    """Its first 32 characters are shown."""
    software_version: str = field(default_factory=lambda: version("powerctl"))
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


def open_controls(settings: GridSettings, rating: Power, saved: Saved) -> Controls:
    """Everything else that clients may write; saved values go before settings."""
    scale = power_scale(rating)
    slot = settings.controlling
    commissioned = Commissioned(
        rating,
        scale,
        address=settings.modbus_rtu[0].unit if settings.modbus_rtu else 1,
        source=None if slot is None else slot.limit_source,
        settle_s=0.0 if slot is None else slot.settle,
        currency=settings.schedule_currency,
    )
    registers = usable(saved)
    if saved.charge_rate_max_w is not None:
        registers[CHARGE_RATE] = round(saved.charge_rate_max_w / 10.0**scale)
    return opened(commissioned, registers)


def open_panel(
    settings: GridSettings, rating: Power, identity: Identity, saved: Saved, stamp: Stamp
) -> tuple[Image, Panel]:
    """The registers at start, and everything that clients may write with what it was before."""
    image = fresh_image(rating, identity, saved)
    slots = open_slots(settings, rating, saved, stamp.now)
    panel = Panel(image, slots, open_controls(settings, rating, saved), rights_of(settings))
    panel.armed = usable(saved).get(FREQUENCY_MODE)
    panel.adopt()
    panel.show(stamp)
    return image, panel


def usable(saved: Saved) -> dict[str, int]:
    """Saved registers that the map still has, with values that it still takes."""
    places = REGISTER_MAP.by_path
    return {p: v for p, v in saved.registers.items() if p in places and acceptable(places[p].point, v)}


def saved_of(panel: Panel, now: Monotonic) -> Saved:
    """What must survive a restart."""
    registers = panel.persistent()
    del registers[CHARGE_RATE]
    return Saved(
        slots={index: _saved_slot(panel.slots[index], now) for index in panel.slots},
        charge_rate_max_w=panel.controls.watts(CHARGE_RATE).w,
        registers=registers,
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


def fresh_image(rating: Power, identity: Identity, saved: Saved) -> Image:
    """The register image before the first measurement, without what clients have set but for a saved schedule."""
    image = Image(REGISTER_MAP)
    for register in REGISTER_MAP.fields:
        if register.point.implemented and register.point.name in _SCALES:
            image.put(register.path, _SCALES[register.point.name])
        elif register.point.implemented and register.point.name in _POWER_SCALES:
            image.put(register.path, power_scale(rating))
    image.put_all(
        {
            "1.Mn": MANUFACTURER,
            "1.Md": MODEL,
            "1.Vr": identity.software_version[:16],
            "1.SN": identity.station[:32],
            "701.ACType": 2,
            "701.ConnSt": 1,
            "702.CtrlModes": MODES_OF_CONTROL,
            "703.ESDlyRemTms": 0,
            "715.LocRemCtl": 0,
            "64303.AdptRslt": COMPLETED,
            **schedule_defaults(),
            **{path: value for path, value in usable(saved).items() if path in STAGED},
        }
    )
    for place in range(CONNECTORS):
        prefix = f"714.Prt.{place}."
        image.put_all(
            {prefix + "PrtTyp": EV_PORT, prefix + "ID": place + 1, prefix + "IDStr": f"connector {place + 1}"}
        )
    image.put_scaled("702.WMaxRtg", rating.w)
    image.put_scaled("702.WChaRteMaxRtg", rating.w)
    return image
