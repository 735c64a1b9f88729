"""Hard cases that every station must pass before it goes live, played with its own configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from powerctl.app.simulate import changes, simulate
from powerctl.app.simulate_model import Run, Session, Signal, Site

_STEP_S: Final = 1.0
_FLAPS: Final = 40
_MOST_CHANGES_PER_FLAP: Final = 6


@dataclass(frozen=True, slots=True)
class Case:
    """A story and what must hold besides no violation and no dead zone."""

    name: str
    signals: Callable[[Site], Sequence[Signal]]
    sessions: Callable[[Site], Sequence[Session]]
    flaw: Callable[[Site, Run], str | None]
    """What is wrong with the run; None: nothing."""


def failures(site: Site) -> list[tuple[str, str | None]]:
    """Each case's name, and what went wrong with it; None: it passed."""
    return [(case.name, _failed(site, case)) for case in CASES]


def _failed(site: Site, case: Case) -> str | None:
    run = simulate(site, case.sessions(site), case.signals(site), step_s=_STEP_S)
    if run.violations:
        return run.violations[0]
    if run.dead_zone:
        return f"{run.dead_zone} limits that no vehicle can use"
    return case.flaw(site, run)


def _cars(site: Site, *, firm: bool = False) -> list[Session]:
    """One hungry vehicle on each connector for ten minutes."""
    return [
        Session(
            name=f"vehicle {n}",
            connector=capability.connector,
            arrival_s=5.0 * n,
            departure_s=600.0,
            need_wh=20_000.0,
            max_w=capability.max_power.w,
            min_w=_minimum(site),
            firm=firm,
        )
        for n, capability in enumerate(site.capabilities)
    ]


def _minimum(site: Site) -> float:
    """Of a vehicle: what the power stage holds at least, and no less than a small car needs."""
    return max(1500.0, *(capability.min_power.w for capability in site.capabilities))


def _powers(run: Run, from_s: float, to_s: float) -> list[float]:
    return [sum(sample.powers_w.values()) for sample in run.samples if from_s <= sample.at_s < to_s]


def _recovers(site: Site, run: Run) -> str | None:
    before, after = max(_powers(run, 100.0, 200.0)), max(_powers(run, 400.0, 500.0))
    if after < 0.95 * before:
        return f"{after:.0f} W come back of {before:.0f} W"
    return None


def _dip(site: Site) -> list[Signal]:
    return [Signal(0.0), Signal(200.0, cap_w=0.0), Signal(260.0)]


def _after_zero(site: Site, run: Run) -> str | None:
    if max(_powers(run, 200.0, 260.0)) > 0.0:
        return "power flows under a cap of zero"
    return _recovers(site, run)


def _flap(site: Site) -> list[Signal]:
    low = [Signal(200.0 + 3.0 * n, cap_w=_low(site) if n % 2 == 0 else None) for n in range(_FLAPS)]
    return [Signal(0.0), *low, Signal(330.0)]


def _low(site: Site) -> float:
    minima = [_minimum(site)] * len(site.capabilities)
    return 1.1 * site.conversion.station_w(minima)


def _calm(site: Site, run: Run) -> str | None:
    moved = changes(replace(run, samples=[s for s in run.samples if 200.0 <= s.at_s < 330.0]))
    most = _MOST_CHANGES_PER_FLAP * _FLAPS * len(site.capabilities)
    if moved > most:
        return f"{moved} changes of a limit in {_FLAPS} changes of the cap"
    return _recovers(site, run)


def _one_fits(site: Site) -> list[Signal]:
    cap_w = 1.2 * site.conversion.station_w([_minimum(site)])
    return [Signal(0.0), Signal(200.0, cap_w=cap_w), Signal(260.0)]


def _one_goes_on(site: Site, run: Run) -> str | None:
    going_on = sum(not vehicle.stopped for vehicle in run.vehicles)
    return None if going_on == 1 else f"{going_on} of {len(run.vehicles)} firm vehicles went on where one fits"


def _tapering(site: Site) -> list[Session]:
    first, *others = _cars(site)
    return [replace(first, soc=0.94, capacity_wh=20_000.0, need_wh=1_200.0), *others]


def _rest_is_used(site: Site, run: Run) -> str | None:
    if len(site.capabilities) < 2:
        return None
    even_w = site.conversion.dc_w(site.conversion.usable_w(site.rating_w) / 2.0)
    first, second = (vehicle.session.connector for vehicle in run.vehicles[:2])
    both = [sample.powers_w for sample in run.samples if sample.powers_w.get(first, 0.0) > 0.0]
    most = max(powers.get(second, 0.0) for powers in both)
    wanted = min(1.1 * even_w, run.vehicles[1].session.max_w)
    return None if most >= wanted - 100.0 else "what a tapering vehicle leaves is not used"


def _half(site: Site) -> list[Signal]:
    most_w = sum(capability.max_power.w for capability in site.capabilities) / len(site.capabilities)
    return [Signal(0.0), Signal(200.0, modules_w=most_w), Signal(260.0)]


CASES: Final = (
    Case("The cap dips to zero and comes back", _dip, _cars, _after_zero),
    Case("The cap flaps every three seconds", _flap, _cars, _calm),
    Case(
        "Two vehicles that can only start and stop, and power for one",
        _one_fits,
        lambda site: _cars(site, firm=True)[:2],
        lambda site, run: _one_goes_on(site, run) if len(run.vehicles) > 1 else None,
    ),
    Case("A vehicle tapers beside a hungry one", lambda _: (), _tapering, _rest_is_used),
    Case("Half of the modules fail and are repaired", _half, _cars, _recovers),
)
