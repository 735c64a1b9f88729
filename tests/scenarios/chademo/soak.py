"""Random misfortune, repeatable by its seed: cars that come and go, people who press things, hardware that breaks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.chademo import effects as fx
from edge.chademo.phase import IDLE, LIVE
from edge.hardware.power_stage_model import Mode
from edge.sim import mischief
from edge.sim import vehicle as car
from edge.sim.mischief import MISCHIEF
from edge.sim.models import MODELS
from powerctl.core.session import ConnectorState as State
from powerctl.core.setpoint import Command
from tests.scenarios.chademo.rig import Rig

CYCLE_S = 0.1
SAFE_V = 10.0
PATIENT = 0.7
CALM = 0.5
"""Share of the cars that have no fault of their own."""


@dataclass
class Soak:
    """A rig, a chance, and what must hold after every step."""

    seed: int
    rig: Rig = field(default_factory=Rig)
    seen: Counter[str] = field(default_factory=Counter)
    """Faults by code, and states by name: what the story has been through."""
    _open_since: float | None = None
    _looked: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self._deeds: list[tuple[int, Callable[[], object]]] = [
            (10, self._offer),
            (4, self._start),
            (2, lambda: self.rig.stop()),
            (1, lambda: self.rig.emergency()),
            (2, lambda: self.rig.press_stop_in_car()),
            (4, self._break),
            (8, self._repair),
            (2, self._leave),
            (1, self._tear),
        ]

    def passes(self, seconds: float) -> None:
        """Let misfortune happen for so long."""
        end = self.rig.now + seconds
        while self.rig.now < end:
            self._moves_on()
            if self.rig.status.state is State.STARTING and self.chance.random() < PATIENT:
                self._lives(4.0)
                continue
            weights, deeds = zip(*self._deeds, strict=True)
            self.chance.choices(deeds, weights)[0]()
            self._lives(self.chance.choice([0.05, 0.3, 1.0, 3.0, 8.0]))

    def _moves_on(self) -> None:
        """Cars that have ended make room, and somebody looks after a station that is out of service."""
        state = self.rig.status.state
        if not self.rig.vehicle.plugged:
            self._repair()
            self._arrive()
        elif state is State.FAULTED and self.chance.random() < PATIENT:
            self._repair()
        elif state is State.FINISHED and self.chance.random() < PATIENT:
            self._leave()

    def _lives(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.025)):
            self.rig.passes(0.025)
            self._check()

    # What happens.

    def _arrive(self) -> None:
        faults = [] if self.chance.random() < CALM else [self.chance.choice(sorted(MISCHIEF))]
        plans = tuple(mischief.planned(f"{name}@{self.chance.randint(0, 20)}") for name in faults)
        model = mischief.afflicted(MODELS[self.chance.choice(sorted(MODELS))], plans)
        self.rig._plans = plans
        self.rig.vehicle = car.parked(model, self.chance.uniform(5, 95))
        self.rig.plug().offer(self.chance.uniform(3, 22)).passes(0.2)
        self.rig.start()

    def _leave(self) -> None:
        """Nobody pulls a plug that is locked."""
        if not self.rig.locked:
            self.rig.unplug()

    def _tear(self) -> None:
        self.rig.unplug()

    def _start(self) -> None:
        self.rig.release_faults().start()

    def _offer(self) -> None:
        command = self.chance.choice([Command.RUN] * 6 + [Command.HOLD_MIN, Command.PAUSE, Command.EMERGENCY])
        settle = self.chance.choice([None, 0.5, 2.0, 5.0])
        self.rig.offer(self.chance.uniform(0, 24), command=command, settle=settle)

    def _break(self) -> None:
        rig = self.rig
        match self.chance.randrange(7):
            case 0:
                rig.lock_works = False
            case 1:
                rig.pe = False
            case 2:
                rig.insulation_kohm = self.chance.choice([None, 20.0])
            case 3:
                rig.bus_up = False
            case 4:
                rig.lose_plant()
            case 5:
                rig.runaway_a = self.chance.choice([15.0, 60.0])
            case _:
                rig.set_car(obeys_stop=False)

    def _repair(self) -> None:
        """Somebody mends the station, and the car as far as it can be mended in place."""
        rig = self.rig
        rig.lock_works = rig.pe = rig.bus_up = True
        rig.insulation_kohm, rig.runaway_a = 900.0, 0.0
        if not rig.plant_up:
            rig.plant_up = True
            rig._tell_car(car.Wires(rig.d1, rig.d2))
        rig.set_car(welded=False, weld_s=min(rig.vehicle.model.weld_s, 5.0))
        rig.release_faults()

    # What must hold.

    def _check(self) -> None:
        rig = self.rig
        energised = rig.power.mode is not Mode.OFF
        if rig.station.faults:
            assert not energised, self._say("the output is on in spite of a fault")
        if not rig.locked:
            assert not energised, self._say("the output is on with an open lock")
            assert rig.power.current_a == 0.0, self._say("current flows with an open lock")
            assert rig.power.voltage_v <= SAFE_V or rig.vehicle.model.welded, self._say("voltage with an open lock")
        self._check_feedback(energised)
        if rig.station.phase in IDLE:
            assert (rig.d1, rig.d2, rig.locked) == (False, False, False), self._say("something is on in an idle state")
        assert rig.station.began or rig.station.phase not in LIVE, self._say("current without a transaction")
        self._count()

    def _check_feedback(self, energised: bool) -> None:
        """A lock that springs open takes the output off within one cycle."""
        is_open = not (self.rig.locked and self.rig.lock_works)
        if not (is_open and energised):
            self._open_since = None
        elif self._open_since is None:
            self._open_since = self.rig.now
        else:
            assert self.rig.now - self._open_since <= CYCLE_S + 1e-6, self._say("energised with an open lock")

    def _count(self) -> None:
        for _, effect in self.rig.effects[self._looked :]:
            if isinstance(effect, fx.FaultSeen):
                self.seen[effect.fault.code] += 1
            if isinstance(effect, fx.StateChanged):
                self.seen[effect.state.value] += 1
        self._looked = len(self.rig.effects)
        for log in (self.rig.watt_log, self.rig.sent, self.rig.heard, self.rig.bus):
            log.clear()

    def _say(self, what: str) -> str:
        rig = self.rig
        return f"seed {self.seed}, {rig.now - 1000.0:.3f} s: {what}; {rig.station.phase}, {rig.model}, {rig.faults}"

    @property
    def charged(self) -> int:
        """How often a car got as far as charging."""
        return self.seen[State.CHARGING.value]
