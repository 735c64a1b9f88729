"""The station core and the vehicle core wired together: bus, cable and power stage are values, time is virtual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from edge.can.frame import rejection
from edge.chademo import effects as fx
from edge.chademo import events as ev
from edge.chademo.codec import decode
from edge.chademo.config import ConnectorConfig
from edge.chademo.frames import Capability, StationFlag, StationStatus, VehicleControl
from edge.chademo.session import Session, advance, frames_due, idle, status
from edge.chademo.status import Status
from edge.hardware import power_stage_model as stage
from edge.sim import mischief
from edge.sim import vehicle as car
from edge.sim.models import MODELS
from powerctl.core.clock import Monotonic, after
from powerctl.core.ids import ConnectorId
from powerctl.core.session import ConnectorState, StopReason
from powerctl.core.setpoint import Command
from powerctl.core.units import Current, Power, Voltage

STEP_S = 0.025
PERIOD = 4
"""Steps in a period of the bus."""
ORDERLY = ("env200", "imiev", "kit225", "leaf24", "leaf40", "outlander")
"""The cars that can be lowered, and end when they are told to."""
E = TypeVar("E", bound=fx.Effect)

CONFIG = ConnectorConfig(
    connector=ConnectorId(1),
    max_power=Power.from_kw(22),
    max_current=Current(125.0),
    max_voltage=Voltage(500.0),
    min_power=Power.from_kw(1),
)


_BEGINNINGS: dict[tuple[str, float, float], dict[str, object]] = {}
"""Rigs in charging, as values: everything in one is immutable but its lists."""


def _copied(state: dict[str, object]) -> dict[str, object]:
    return {name: list(value) if isinstance(value, list) else value for name, value in state.items()}


@dataclass
class Rig:
    """One connector and one car. Every method that lets time pass returns the rig, so that a story reads as one."""

    model: str = "leaf40"
    soc: float = 40.0
    config: ConnectorConfig = CONFIG
    faulty: tuple[str, ...] = ()
    """Faults of the car, as for `powerctl vehicle --fault`."""
    station: Session = field(init=False)
    vehicle: car.Vehicle = field(init=False)
    power: stage.StageState = field(init=False)
    steps: int = 0
    bus_up: bool = True
    plant_up: bool = True
    lock_works: bool = True
    pe: bool = True
    insulation_kohm: float | None = 900.0
    welded: bool = False
    runaway_a: float = 0.0
    """What the power stage gives on top of its order, by a defect."""
    d1: bool = False
    d2: bool = False
    locked: bool = False
    effects: list[tuple[float, fx.Effect]] = field(default_factory=list)
    sent: list[tuple[float, Capability | StationStatus]] = field(default_factory=list)
    heard: list[tuple[float, VehicleControl]] = field(default_factory=list)
    bus: list[tuple[float, int, bytes]] = field(default_factory=list)
    """Everything that the car has sent and a station can hear."""
    watt_log: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.station = idle(self.config)
        self._plans = tuple(mischief.planned(text) for text in self.faulty)
        self.vehicle = car.parked(mischief.afflicted(MODELS[self.model], self._plans), self.soc)
        self.power = stage.StageState(self.now)

    # Time.

    @property
    def now(self) -> Monotonic:
        return Monotonic(1000.0 + self.steps * STEP_S)

    def passes(self, seconds: float) -> Self:
        """Let time pass."""
        for _ in range(round(seconds / STEP_S)):
            self._step()
        return self

    def until(self, condition: Callable[[Rig], bool], *, within: float) -> Self:
        """Let time pass until `condition` holds; it must within so many seconds."""
        end = self.now + within
        while not condition(self):
            assert self.now < end, f"not within {within} s: {self.station.phase}, {self.vehicle.stage}, {self.faults}"
            self._step()
        return self

    def until_state(self, state: ConnectorState, *, within: float = 60.0) -> Self:
        return self.until(lambda rig: rig.status.state is state, within=within)

    def _step(self) -> None:
        self.steps += 1
        self._flow()
        if self.steps % PERIOD == 0:
            self._station_beat()
        turn = PERIOD if self.vehicle.model.turn_s is None else round(self.vehicle.model.turn_s / STEP_S)
        if self.steps % turn == turn // 2:
            self._vehicle_beat()

    def _flow(self) -> None:
        connected = self.vehicle.plugged and (self.vehicle.contactor or self.welded)
        load = stage.Load(connected, Voltage(self.vehicle.battery.voltage_v))
        self.power = stage.advanced(self.power, load, self.now, self.config.max_power)
        self._tell_car(car.Supply(self.power.voltage_v, self.power.current_a))
        self.watt_log.append((self.now, self.power.voltage_v * self.power.current_a))

    def _station_beat(self) -> None:
        self._feed(self._lines())
        current = Current(self.power.current_a + self.runaway_a)
        self._feed(ev.Measured(Voltage(self.power.voltage_v), current, self.insulation_kohm))
        self._feed(ev.Tick())
        for frame_id, data in frames_due(self.station):
            frame = decode(frame_id, data)
            if isinstance(frame, Capability | StationStatus):
                self.sent.append((self.now, frame))
            if self.bus_up:
                self._tell_car(car.Frame(frame_id, data))

    def _vehicle_beat(self) -> None:
        self._tell_car(car.Tick())
        self._feed(self._lines())
        for message in mischief.spoken(self.vehicle, self.now, self._plans):
            if rejection(message) is not None:
                continue
            self.bus.append((self.now, message.frame_id, message.data))
            frame = decode(message.frame_id, message.data)
            if isinstance(frame, VehicleControl):
                self.heard.append((self.now, frame))
            if self.bus_up:
                self._feed(ev.FrameReceived(message.frame_id, message.data))

    def _lines(self) -> ev.LinesRead:
        there = self.plant_up and self.vehicle.plugged
        return ev.LinesRead(
            k=there and self.vehicle.k, prox=there, lock_feedback=self.locked and self.lock_works, pe=self.pe
        )

    def _tell_car(self, event: car.Event) -> None:
        self.vehicle = mischief.advance(self.vehicle, event, self.now, self._plans)

    def _feed(self, event: ev.Event) -> None:
        self.station, wanted = advance(self.station, event, self.now)
        for effect in wanted:
            self.effects.append((self.now, effect))
            self._carry_out(effect)

    def _carry_out(self, effect: fx.Effect) -> None:
        match effect:
            case fx.SwitchD1(on):
                self.d1 = on
            case fx.SwitchD2(on):
                self.d2 = on
            case fx.Lock(on):
                self.locked = on
            case fx.CommandOutput(voltage, current):
                self.power = stage.ordered(self.power, stage.Mode.CHARGE, voltage, current)
            case fx.TestInsulation(voltage):
                self.power = stage.ordered(self.power, stage.Mode.TEST, voltage, Current(0.0))
            case fx.OutputOff(urgent):
                self.power = (
                    stage.tripped(self.power)
                    if urgent
                    else stage.ordered(self.power, stage.Mode.OFF, Voltage(0.0), Current(0.0))
                )
            case _:
                return
        wires = car.Wires(self.d1 and self.plant_up, self.d2 and self.plant_up)
        if wires != self.vehicle.wires:
            self._tell_car(wires)

    # What people, the grid and misfortune do.

    def plug(self) -> Self:
        self._tell_car(car.Plug(on=True))
        self._feed(self._lines())
        return self

    def unplug(self) -> Self:
        self._tell_car(car.Plug(on=False))
        self._feed(self._lines())
        return self

    def start(self) -> Self:
        self._feed(ev.StartRequested("command-1"))
        return self

    def stop(self, reason: StopReason = StopReason.DRIVER) -> Self:
        self._feed(ev.StopRequested(reason, "Stopped in the app."))
        return self

    def emergency(self) -> Self:
        self._feed(ev.EmergencyStop("Emergency button pressed."))
        return self

    def offer(self, kw: float, *, command: Command = Command.RUN, settle: float | None = None) -> Self:
        by = None if settle is None else after(self.now, settle)
        self._feed(ev.OfferChanged(ev.Offer(Power.from_kw(kw), command, by)))
        return self

    def press_stop_in_car(self) -> Self:
        self._tell_car(car.PressStop())
        return self

    def release_faults(self) -> Self:
        self._feed(ev.FaultReleased())
        return self

    def lose_plant(self) -> Self:
        """The link that carries the pilot lines breaks: both sides see the other one's lines off."""
        self.plant_up = False
        self._tell_car(car.Wires(d1=False, d2=False))
        self._feed(self._lines())
        return self

    def charging(self, kw: float = 22.0) -> Self:
        """From nothing to a car that draws what it may. Stories that begin alike share their beginning."""
        key = (self.model, self.soc, kw)
        alike = (
            self.steps == 0 and self.config is CONFIG and not self.faulty and self.vehicle.model is MODELS[self.model]
        )
        if alike and key in _BEGINNINGS:
            self.__dict__.update(_copied(_BEGINNINGS[key]))
            return self
        self.passes(0.2).plug().offer(kw).passes(0.5).start()
        self.until_state(ConnectorState.CHARGING, within=30).passes(8)
        if alike:
            _BEGINNINGS[key] = _copied(self.__dict__)
        return self

    def set_battery(self, percent: float) -> Self:
        self._tell_car(car.SetSoc(percent))
        return self

    def set_car(self, **changes: object) -> Self:
        """Change what the car's model does."""
        model = replace(self.vehicle.model, **changes)  # type: ignore[arg-type]
        self.vehicle = replace(self.vehicle, model=model, battery=replace(self.vehicle.battery, model=model))
        return self

    # What is seen.

    @property
    def status(self) -> Status:
        return status(self.station)

    @property
    def faults(self) -> set[str]:
        return {fault.code for fault in self.station.faults}

    @property
    def watts(self) -> float:
        return self.power.voltage_v * self.power.current_a

    def gives(self, watts: float) -> bool:
        """True when that much flows, give or take what this car leaves of what is available."""
        left = 430.0 * self.vehicle.model.margin_a
        return watts * 0.98 - left <= self.watts <= watts * 1.001

    def done(self, kind: type[E]) -> list[E]:
        """Every effect of that kind, in order."""
        return [effect for _, effect in self.effects if isinstance(effect, kind)]

    def at(self, effect: fx.Effect) -> float:
        """When that effect was wanted for the last time."""
        return next(at for at, seen in reversed(self.effects) if seen == effect)

    def states(self) -> list[ConnectorState]:
        return [effect.state for effect in self.done(fx.StateChanged)]

    def announced(self) -> list[tuple[float, int]]:
        """Available current over time, as on the bus."""
        return [(at, frame.available_current_a) for at, frame in self.sent if isinstance(frame, Capability)]

    def flags(self) -> list[StationFlag]:
        """The station's status bits as they changed on the bus."""
        seen = [frame.flags for _, frame in self.sent if isinstance(frame, StationStatus)]
        return [flag for index, flag in enumerate(seen) if index == 0 or flag != seen[index - 1]]
