"""A look into the running controller: a local socket that tells everything five times a second.

The one word that it takes is `release`, from whoever may open it: the controller's own user, at the station.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from edge.control.blackbox import BlackBox
from edge.control.telemetry import Snapshot
from edge.hardware.modules.bank import Module
from edge.hardware.ports import Lines
from powerctl.core.clock import Monotonic
from powerctl.runtime import log

EVERY_S: Final = 0.2
MOST_VIEWERS: Final = 4
MOST_UNSENT: Final = 256 * 1024

_log = log.get(__name__)
View = Callable[[], Mapping[str, Any]]
Release = Callable[[], list[str]]
"""Releases latched faults; returns what was done, in sentences."""
RELEASE: Final = b"release\n"


def window_path(state_dir: Path) -> Path:
    """Where the socket lies; only the controller's own user may open it."""
    return state_dir / "edge" / "monitor.sock"


def connector_view(snapshot: Snapshot, lines: Lines, box: BlackBox) -> dict[str, Any]:
    """One connector as plain values (pure)."""
    status = snapshot.status
    return {
        "connector": snapshot.connector,
        "state": status.state,
        "phase": status.phase,
        "detail": status.detail,
        "voltage_v": round(snapshot.output.voltage.v, 1),
        "current_a": round(snapshot.output.current.a, 1),
        "requested_a": round(status.requested_current.a, 1),
        "available_a": round(status.available_current.a, 1),
        "commanded_a": round(status.commanded_current.a, 1),
        "limit_w": round(snapshot.limit.w),
        "command": snapshot.grant.command,
        "lease_s": round(snapshot.lease_remaining_s, 1),
        "soc_percent": status.soc_percent,
        "vehicle": {
            "flexibility": status.flexibility,
            "slope_a_s": round(status.slope_a_s, 1),
            "min_a": round(status.min_current.a, 1),
            "obeys": status.obeys,
            "reaction_s": status.reaction_s,
            "pause_s": round(status.pause_s),
            "rule": status.rule,
        },
        "reasons": [[reason.source, round(reason.limit.w), reason.detail] for reason in snapshot.reasons],
        "faults": [[fault.code, fault.detail, fault.latched] for fault in status.faults],
        "lines": {"k": lines.k, "prox": lines.prox, "lock": lines.lock_feedback, "earth": lines.pe},
        "frames": {f"{identity:03X}": data.hex() for identity, data in box.latest_frames().items()},
        "rejected_frames": status.rejected_frames,
    }


def module_view(module: Module, now: Monotonic) -> dict[str, Any]:
    """One power module as plain values (pure)."""
    return {
        "address": module.address,
        "usable": module.is_usable(now),
        "missing": module.is_missing(now),
        "voltage_v": round(module.voltage_v, 1),
        "current_a": round(module.current_a, 1),
        "temperature_c": module.temperature_c,
        "troubles": sorted(module.troubles),
    }


class Window:
    """Serves viewers.

    Args:
        view: Everything at this instant; asked only while somebody looks.
        release: What an operator at the station may ask for.
    """

    def __init__(self, path: Path, view: View, release: Release = list) -> None:
        self._path = path
        self._release = release
        self._view = view
        self._viewers: set[asyncio.StreamWriter] = set()

    async def run(self) -> NoReturn:
        """Serve until cancelled. Where the socket cannot be made, nobody can look and nothing else suffers."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        try:
            server = await asyncio.start_unix_server(self._accept, self._path)
            self._path.chmod(0o600)
        except OSError as error:
            _log.warning("no_monitor", reason=str(error))
            await asyncio.Event().wait()
            raise AssertionError("unreachable") from error
        async with server:
            while True:
                await asyncio.sleep(EVERY_S)
                self._tell()

    def _tell(self) -> None:
        if not self._viewers:
            return
        line = json.dumps(self._view(), separators=(",", ":")).encode() + b"\n"
        for viewer in tuple(self._viewers):
            if viewer.is_closing() or viewer.transport.get_write_buffer_size() > MOST_UNSENT:
                viewer.transport.abort()
                self._viewers.discard(viewer)
            else:
                viewer.write(line)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._viewers) >= MOST_VIEWERS:
            writer.transport.abort()
            return
        self._viewers.add(writer)
        with contextlib.suppress(OSError):
            if await reader.read(len(RELEASE)) == RELEASE:
                writer.write(json.dumps({"released": self._release()}).encode() + b"\n")
                await asyncio.wait_for(writer.drain(), 1.0)
        self._viewers.discard(writer)
        writer.close()
