"""What the site has taught about stays, kept over restarts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from powerctl.allocation.stay import StayModel, from_json, to_json
from powerctl.allocation.visits import Visits, followed
from powerctl.core.demand import StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.topology import ConnectorCapability
from powerctl.runtime import log, metrics

_log = log.get(__name__)


class SiteMemory:
    """The vehicles that are there, and the model of stays with its file.

    Args:
        path: Written when a vehicle has left, which is a few kilobytes every quarter of an hour.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.visits = Visits(model=self._read())
        self._measure()

    def follow(self, report: StationReport, capabilities: Iterable[ConnectorCapability], utc: datetime) -> None:
        """Take one report."""
        rated = {capability.connector: capability.max_power.w for capability in capabilities}
        before = self.visits.model
        for connector in report.connectors:
            self.visits = followed(self.visits, connector, rated[connector.connector], utc)
        if self.visits.model is not before:
            self._write()
            self._measure()

    def _measure(self) -> None:
        """How much was learnt, and how well the forecasts were calibrated."""
        metrics.gauge("powerctl_stay_visits").set(self.visits.model.visits)
        metrics.gauge("powerctl_stay_coverage_ratio").set(self.visits.model.covered)

    def _read(self) -> StayModel:
        try:
            return from_json(self._path.read_text())
        except FileNotFoundError:
            return StayModel()
        except (OSError, UnicodeDecodeError, RemoteError) as error:
            _log.warning("stay_model_not_read", file=str(self._path), detail=str(error))
            return StayModel()

    def _write(self) -> None:
        """Replace the file whole; losing it only costs what was learnt."""
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(to_json(self.visits.model))
            os.replace(beside, self._path)
        except OSError as error:
            _log.warning("stay_model_not_kept", file=str(self._path), detail=str(error))
