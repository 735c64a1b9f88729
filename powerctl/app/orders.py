"""What the back end has ordered of the energy manager: reservations and fleet caps, kept over restarts."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from powerctl.allocation.budget import Budget
from powerctl.allocation.efficiency import Conversion
from powerctl.allocation.promises import Means, Promise, Promises, dropped, kept
from powerctl.core.clock import Clock
from powerctl.core.ids import ConnectorId
from powerctl.core.order import DropReservation, EndFleetCap, KeepReservation, SetFleetCap, StationCommand
from powerctl.core.record import CommandOutcome, CommandResult
from powerctl.core.topology import ConnectorCapability
from powerctl.core.units import Power
from powerctl.runtime import log
from powerctl.signals.service import GridSignals
from powerctl.signals.sources.fleet_cap import FleetCap, FleetCaps

SOON: Final = timedelta(minutes=15)
"""A limit without a known end counts against promises for so long."""
LATE: Final = "The command came too late."
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class _Saved:
    promises: Mapping[str, Promise] = field(default_factory=dict)
    caps: Mapping[str, FleetCap] = field(default_factory=dict)


_FILE: Final = TypeAdapter(_Saved)


class Orders:
    """Carries out orders of the back end.

    Args:
        path: Where they are kept.
        signals: Hears of fleet caps, and knows what the grid has announced.
        clock: Says what is late.
        rating: AC at the grid connection.
    """

    def __init__(self, path: Path, signals: GridSignals, clock: Clock, rating: Power) -> None:
        self._path = path
        self._signals = signals
        self._clock = clock
        self._rating = rating
        saved = self._read()
        self.promises = Promises(saved.promises)
        self._caps = FleetCaps(saved.caps)
        self._spoken: Callable[[], None] = signals.add_source(self._caps)

    def promised(self) -> dict[ConnectorId, Promise]:
        """Reservations in force, by connector."""
        return self.promises.now(self._clock.utc())

    def obey(
        self,
        command: StationCommand,
        capabilities: Sequence[ConnectorCapability],
        budget: Budget | None,
        conversion: Conversion,
    ) -> CommandResult:
        """Carry out a command, unless it is late or cannot be.

        Args:
            command: From the back end.
            capabilities: Of the connectors.
            budget: What is in force. None: nothing is known yet.
            conversion: Between AC and DC.
        """
        utc = self._clock.utc()
        connectors = {ConnectorId(one.connector): one.max_power.w for one in capabilities}
        means = Means(connectors, partial(self._usable_w, budget, conversion, utc))
        if utc >= command.expire_time:
            return CommandResult(command.command_id, CommandOutcome.EXPIRED, LATE)
        refusal = self._carry_out(command, means, utc)
        outcome = CommandOutcome.REJECTED if refusal else CommandOutcome.ACCEPTED
        _log.info("order_answered", command=command.command_id, outcome=outcome.value, detail=refusal)
        return CommandResult(command.command_id, outcome, refusal)

    def _carry_out(self, command: StationCommand, means: Means, utc: datetime) -> str:
        refusal = ""
        match command.action:
            case KeepReservation() as wanted:
                promise = Promise(
                    wanted.reservation, wanted.connector, wanted.start_time, wanted.end_time, wanted.power.w
                )
                self.promises, refusal = kept(self.promises, promise, means, utc)
            case DropReservation(name):
                self.promises = dropped(self.promises, name, utc)
            case SetFleetCap() as order:
                fraction = random.random()  # noqa: S311 - spreads stations, guards nothing
                refusal = self._caps.set(order, fraction, utc)
            case EndFleetCap(dispatch):
                self._caps.end(dispatch, utc)
            case _:
                return "The energy manager does not do that."
        self._write()
        self._spoken()
        return refusal

    def _usable_w(self, budget: Budget | None, conversion: Conversion, utc: datetime, instant: datetime) -> float:
        """Watts DC for all connectors at an instant, as far as the grid has announced."""
        caps = [self._rating]
        if (announced := self._signals.foreseen(instant).cap) is not None:
            caps.append(announced)
        if budget is not None:
            caps += [one.limit for one in budget.sources if instant < (one.until or utc + SOON)]
        return conversion.dc_w(conversion.usable_w(max(0.0, min(caps).w)))

    def _read(self) -> _Saved:
        try:
            return _FILE.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _Saved()
        except (OSError, ValidationError) as error:
            _log.error("orders_not_read", file=str(self._path), detail=str(error)[:300])
            return _Saved()

    def _write(self) -> None:
        """Replace the file whole."""
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(_FILE.dump_json(_Saved(self.promises.all, self._caps.caps)))
            os.replace(beside, self._path)
        except OSError as error:
            _log.error("orders_not_kept", file=str(self._path), detail=str(error))
