"""What the site has taught about stays, and its highest power of the month, kept over restarts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from powerctl.allocation.plan_peak import Peak, measured, peak_from_json, peak_to_json
from powerctl.allocation.plan_site import Place, SiteProfile
from powerctl.allocation.ramp import Ramp
from powerctl.allocation.situation import Rules
from powerctl.allocation.stay import StayModel, from_json, to_json
from powerctl.allocation.visits import Visits, followed
from powerctl.core.demand import StationReport
from powerctl.core.errors import RemoteError
from powerctl.core.topology import ConnectorCapability
from powerctl.runtime import log, metrics

_log = log.get(__name__)


class SiteMemory:
    """The vehicles that are there, the model of stays with its file, and the peak with another beside it.

    Args:
        path: Written when a vehicle has left, which is a few kilobytes every quarter of an hour.
        profile: The rest of the site. None: nothing is known of it.
    """

    def __init__(self, path: Path, profile: SiteProfile | None = None) -> None:
        self._path, self._peak_path, self._profile = path, path.with_name("peak.json"), profile
        self.visits = Visits(model=self._read())
        self._peak = self._read_peak()
        self._measure()

    def follow(self, report: StationReport, capabilities: Iterable[ConnectorCapability], utc: datetime) -> None:
        """Take one report."""
        rated = {capability.connector: capability.max_power.w for capability in capabilities}
        before = self.visits.model
        for connector in report.connectors:
            self.visits = followed(self.visits, connector, rated[connector.connector], utc)
        if self.visits.model is not before:
            self._write(self._path, to_json(self.visits.model))
            self._measure()
        if report.ac_power is not None:
            self._follow_peak(report.ac_power.w, utc)

    def place(self, rules: Rules, ramp: Ramp | None) -> Place:
        """Where the station stands, as the plan takes it."""
        peak_w = self._peak.highest_w if self._peak.month else None
        return Place(rules.tree, rules.ramp_up_w_s, None if ramp is None else ramp.cap_w, peak_w)

    def _follow_peak(self, station_w: float, utc: datetime) -> None:
        beside_w = 0.0 if self._profile is None else self._profile.net_w(utc)
        before, self._peak = self._peak, measured(self._peak, station_w + beside_w, utc)
        if (before.month, before.quarter) != (self._peak.month, self._peak.quarter):
            self._write(self._peak_path, peak_to_json(self._peak))

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

    def _read_peak(self) -> Peak:
        try:
            return peak_from_json(self._peak_path.read_text())
        except FileNotFoundError:
            return Peak()
        except (OSError, UnicodeDecodeError, RemoteError) as error:
            _log.warning("peak_not_read", file=str(self._peak_path), detail=str(error))
            return Peak()

    def _write(self, path: Path, text: str) -> None:
        """Replace the file whole; losing it only costs what was learnt."""
        beside = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(text)
            os.replace(beside, path)
        except OSError as error:
            _log.warning("site_memory_not_kept", file=str(path), detail=str(error))
