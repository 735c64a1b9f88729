"""What may be commissioned, and what it means in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from powerctl.core.setpoint import LimitSource
from powerctl.signals.lpc import Autonomy
from powerctl.signals.settings import GridSettings, SlotSettings

SLOT = {
    "index": 0,
    "source": "dso",
    "commissioned": True,
    "writers": ["127.0.0.1"],
    "failsafe_w": 4200,
    "failsafe_min_s": 7200,
    "heartbeat_timeout_s": 60,
}


def slot(**changes: Any) -> SlotSettings:
    return SlotSettings.model_validate({**SLOT, **changes})


@pytest.mark.parametrize("key", ["failsafe_w", "failsafe_min_s", "heartbeat_timeout_s", "commissioned", "source"])
def test_what_bears_on_safety_has_no_default(key: str) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        SlotSettings.model_validate({k: v for k, v in SLOT.items() if k != key})


@pytest.mark.parametrize(
    "change",
    [
        {"index": 4},
        {"source": "hardware"},
        {"writers": ["anybody"]},
        {"failsafe_w": -1},
        {"failsafe_min_s": 7199},
        {"failsafe_min_s": 86401},
        {"heartbeat_timeout_s": 4},
        {"heartbeat_timeout_s": 601},
        {"settle_s": 61},
        {"unknown": 1},
    ],
)
def test_a_value_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        slot(**change)


def test_the_settle_time_follows_the_source_unless_commissioned() -> None:
    assert (slot().settle, slot(source="ems").settle, slot(settle_s=0).settle) == (2.0, 5.0, 0.0)
    assert slot(source="ems").limit_source is LimitSource.EMS


def test_a_slot_can_be_given_only_once() -> None:
    with pytest.raises(ValidationError, match="same index"):
        GridSettings.model_validate({"slots": [SLOT, SLOT]})


def test_installers_must_be_addresses() -> None:
    with pytest.raises(ValidationError):
        GridSettings.model_validate({"installers": ["me"]})


def test_nothing_is_commissioned_by_default_and_it_says_so() -> None:
    assert "No grid source is commissioned: only the station's rating limits it." in GridSettings().describe()


def test_it_says_what_happens_at_start_on_silence_and_afterwards() -> None:
    words = " ".join(GridSettings.model_validate({"slots": [SLOT]}).describe())
    assert "At start the station keeps to 4.2 kW until slot 0 (dso) has sent a heartbeat and a limit." in words
    assert "After 60 s without a heartbeat the station keeps to 4.2 kW again." in words
    assert "After 2 h without the source it goes on without that limit." in words
    assert "within 2 s; an emergency at once" in words


@pytest.mark.parametrize("autonomy", list(Autonomy))
def test_every_kind_of_autonomy_has_its_sentence(autonomy: Autonomy) -> None:
    settings = GridSettings.model_validate({"slots": [{**SLOT, "autonomy": autonomy}]})
    assert len(settings.describe()) == 8


def test_a_slot_that_is_not_commissioned_is_not_described() -> None:
    settings = GridSettings.model_validate({"slots": [{**SLOT, "commissioned": False}]})
    assert "slot 0" not in " ".join(settings.describe())


TLS = {"certificate": "station.pem", "key": "station.key", "authorities": ["ca.pem"]}
CLIENT = {"fingerprint": "AB:" * 31 + "AB", "slots": [0], "name": "DSO"}
LINE = {"device": "/dev/ttyUSB0"}


def test_the_ways_in_are_described() -> None:
    settings = GridSettings.model_validate(
        {
            "slots": [SLOT],
            "modbus_tls": {**TLS, "clients": [CLIENT]},
            "modbus_rtu": [{**LINE, "slots": [0]}, {"device": "/dev/ttyUSB1"}],
        }
    )
    words = " ".join(settings.describe())
    assert "Secure Modbus is on 127.0.0.1:5802" in words
    assert "Certificate abababababababab… (DSO) speaks for slot 0." in words
    assert "Serial line /dev/ttyUSB0 (19200 baud, address 1) speaks for slot 0." in words
    assert "Serial line /dev/ttyUSB1 (19200 baud, address 1) only reads." in words


@pytest.mark.parametrize(
    "wrong",
    [
        {"modbus_tls": {**TLS, "authorities": []}},
        {"modbus_tls": {**TLS, "clients": [{**CLIENT, "slots": [4]}]}},
        {"modbus_tls": {**TLS, "clients": [{**CLIENT, "fingerprint": "AB"}]}},
        {"modbus_tls": {**TLS, "clients": [CLIENT, CLIENT]}},
        {"modbus_rtu": [{**LINE, "slots": [4]}]},
        {"modbus_rtu": [{**LINE, "baud": 12345}]},
        {"modbus_rtu": [{**LINE, "unit": 0}]},
        {"modbus_rtu": [LINE, LINE]},
        {"control_slot": 0},
    ],
)
def test_ways_in_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GridSettings.model_validate(wrong)
