"""Lines of a plant are parsed where they arrive; what is wrong is refused, what is new is left alone."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hardware.plant_lines import UNPLUGGED_PLANT, encode, merge
from powerctl.core.errors import RemoteError
from powerctl.core.units import Voltage


def test_a_line_changes_what_it_names_and_nothing_else() -> None:
    state = merge(UNPLUGGED_PLANT, b'{"k": 1, "prox": 1, "contactor": 0, "v_inlet": 0}')
    state = merge(state, b'{"contactor": true, "v_inlet": 361.5}')
    assert (state.k, state.prox, state.contactor, state.inlet) == (True, True, True, Voltage(361.5))


def test_what_the_plant_does_not_have_is_healthy() -> None:
    state = merge(UNPLUGGED_PLANT, b'{"prox": 1}')
    assert (state.lock_feedback, state.insulation_kohm, state.pe) == (None, None, True)


def test_optional_values_are_taken() -> None:
    state = merge(UNPLUGGED_PLANT, b'{"lock_fb": 0, "r_iso": 42, "pe": 0}')
    assert (state.lock_feedback, state.insulation_kohm, state.pe) == (False, 42.0, False)


def test_unknown_keys_are_left_alone() -> None:
    assert merge(UNPLUGGED_PLANT, b'{"temperature": 21}') == UNPLUGGED_PLANT


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"k=1",
        b"[1]",
        b"7",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"k": 2}',
        b'{"k": "1"}',
        b'{"k": 0.5}',
        b'{"v_inlet": -1}',
        b'{"v_inlet": NaN}',
        b'{"v_inlet": Infinity}',
        b'{"v_inlet": 99999}',
        b'{"v_inlet": true}',
        b'{"v_inlet": null}',
        b'{"r_iso": "good"}',
    ],
)
def test_a_wrong_line_is_refused_as_a_whole(line: bytes) -> None:
    with pytest.raises(RemoteError):
        merge(UNPLUGGED_PLANT, line)


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(line: bytes) -> None:
    with contextlib.suppress(RemoteError):
        merge(UNPLUGGED_PLANT, line)


def test_our_lines_are_json_on_one_line() -> None:
    line = encode({"d1": 1, "v_src": 12.5})
    assert line.endswith(b"\n")
    assert json.loads(line) == {"d1": 1, "v_src": 12.5}
