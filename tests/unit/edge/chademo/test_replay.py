"""The one public recording with a licence to copy it: a Leaf at an Indra station (`tests/vectors/chademo`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from edge.chademo.codec import decode
from edge.chademo.config import ConnectorConfig
from edge.chademo.frames import BatteryLimits, Capability, VehicleControl
from edge.chademo.logs import Recorded, read_savvycan
from edge.chademo.phase import Phase
from edge.chademo.replay import Replay, replay
from edge.chademo.timing import Time
from powerctl.core.errors import RemoteError
from powerctl.core.ids import ConnectorId
from powerctl.core.units import Current, Power, Voltage

RECORDING = Path(__file__).resolve().parents[3] / "vectors" / "chademo" / "leaf-indra-start-stop.csv"

# As the recorded station announced it. It takes 8.7 s from k to its lock, and holds its test voltage for 0.4 s.
INDRA = ConnectorConfig(
    ConnectorId(1),
    Power.from_kw(100),
    Current(15.0),
    Voltage(500.0),
    test_hold_s=0.3,
    times={Time.LOCK: 10.0},
)


@cache
def recording() -> tuple[Recorded, ...]:
    with RECORDING.open(encoding="ascii") as lines:
        return read_savvycan(lines).frames


@cache
def replayed() -> Replay:
    return replay(recording(), INDRA)


def test_the_recording_decodes_completely() -> None:
    frames = [decode(frame.frame_id, frame.data) for frame in recording()]
    assert len(frames) == 4072
    assert None not in frames


def test_the_recording_says_what_is_known_of_it() -> None:
    frames = [decode(frame.frame_id, frame.data) for frame in recording()]
    assert {frame.max_voltage_v for frame in frames if isinstance(frame, BatteryLimits)} == {435}
    assert {frame.target_voltage_v for frame in frames if isinstance(frame, VehicleControl)} == {410}
    steps = [frame.available_current_a for frame in frames if isinstance(frame, Capability)]
    assert [now for before, now in zip([None, *steps], steps, strict=False) if now != before] == [15, 0, 15]


def test_our_core_lives_through_the_whole_session() -> None:
    assert [phase for _, phase in replayed().phases] == [
        Phase.WAKING,
        Phase.AGREEING,
        Phase.LOCKING,
        Phase.TESTING,
        Phase.DISCHARGING,
        Phase.CLOSING,
        Phase.REQUESTING,
        Phase.CHARGING,
        Phase.PAUSED,
        Phase.CHARGING,
        Phase.STOPPING,
        Phase.OPENING,
        Phase.PARTING,
        Phase.LEAVING,
        Phase.FINISHED,
    ]


def test_our_status_bits_are_the_recorded_ones() -> None:
    assert [int(flag) for flag in replayed().flags] == [0x20, 0x24, 0x05, 0x25, 0x24, 0x20]


def test_every_difference_to_the_recorded_station_is_explained() -> None:
    assert replayed().compared > 500
    assert [difference for difference in replayed().differences if not difference.explanation] == []


def test_status_bits_differ_in_no_more_than_a_handful_of_periods() -> None:
    differing = [difference for difference in replayed().differences if difference.name == "flags"]
    assert 0 < len(differing) <= 8


def test_a_station_that_behaved_otherwise_is_found() -> None:
    """The comparison has teeth: a recording with one byte changed has an unexplained difference."""
    forged = [
        Recorded(frame.at, frame.frame_id, b"\x03" + frame.data[1:]) if frame.frame_id == 0x109 else frame
        for frame in recording()
    ]
    names = {difference.name for difference in replay(forged, INDRA).differences if not difference.explanation}
    assert names == {"protocol_number"}


@pytest.mark.parametrize(
    "line", ["x,100,false,Rx,0,8,0,0,0,0,0,0,0,0,", "1,100,false,Rx,0,8,00,ZZ,0,0,0,0,0,0,", "1,100"]
)
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    head = "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8"
    with pytest.raises(RemoteError, match="line 2"):
        read_savvycan([head, line])
