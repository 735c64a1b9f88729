"""LEM DCBM 400/600: what its REST interface says and takes (pure; paths and keys as public drivers use them)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from powerctl.core.errors import RemoteError
from powerctl.core.units import Current, Energy, Voltage

STATUS: Final = "/v1/status"
LIVE: Final = "/v1/livemeasure"
LEGAL: Final = "/v1/legal"
OCMF: Final = "/v1/ocmf"
SETTINGS: Final = "/v1/settings"
MOST_CLIENT_ID: Final = 37
MOST_OCMF: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class MeterStatus:
    """Who the meter is and whether it can be relied on."""

    serial: str
    time: datetime | None
    """None: it has not been set."""
    faults: tuple[str, ...]
    """Names of the status flags that are up."""


@dataclass(frozen=True, slots=True)
class LiveMeasure:
    """What flows now, and the register."""

    voltage: Voltage
    current: Current
    energy: Energy


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RemoteError("the meter's answer is not JSON") from error
    if not isinstance(found, dict):
        raise RemoteError("the meter's answer is no object")
    return found


def _number(values: dict[str, Any], key: str) -> float:
    value = values.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise RemoteError(f"the meter's {key} is no number")


def status_from(text: str) -> MeterStatus:
    """The answer to `GET /v1/status`.

    Raises:
        RemoteError: It is no such answer.
    """
    values = _object(text)
    serial, flags = values.get("serialNumber"), values.get("status")
    if not isinstance(serial, str) or not serial or not isinstance(flags, dict):
        raise RemoteError("the meter does not say who it is")
    bits = flags.get("bits", {})
    faults = tuple(sorted(name for name, up in bits.items() if up is True)) if isinstance(bits, dict) else ()
    return MeterStatus(serial[:64], _time(values.get("time")), faults)


def _time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)


def live_from(text: str) -> LiveMeasure:
    """The answer to `GET /v1/livemeasure`; energy comes in kilowatt hours.

    Raises:
        RemoteError: It is no such answer.
    """
    values = _object(text)
    return LiveMeasure(
        Voltage(_number(values, "voltage")),
        Current(_number(values, "current")),
        Energy(_number(values, "energyImportTotal") * 1000.0),
    )


def begin(transaction: str, *, evse: str) -> dict[str, Any]:
    """The body that opens a signed transaction."""
    return {
        "evseId": evse,
        "transactionId": transaction,
        "clientId": transaction[:MOST_CLIENT_ID],
        "tariffId": 0,
        "cableId": 0,
        "userData": "",
    }


def end() -> dict[str, Any]:
    """The body that closes it."""
    return {"running": False}


def set_time(now: datetime) -> dict[str, Any]:
    """The body that sets the clock; a transaction cannot begin before."""
    return {
        "time": {"utc": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "tz": "+00h00", "dst": {"activated": False}}
    }


def check_ocmf(document: bytes) -> bytes:
    """The signed record as it came, when it looks like one. Nothing in it is changed: the signature covers every byte.

    Raises:
        RemoteError: It is no OCMF record.
    """
    if not document.startswith(b"OCMF|") or document.count(b"|") < 2 or len(document) > MOST_OCMF:
        raise RemoteError("the meter's signed record is no OCMF")
    return document
