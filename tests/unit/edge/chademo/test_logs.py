from __future__ import annotations

import pytest

from edge.chademo.logs import Recorded, read_log
from powerctl.core.clock import Monotonic
from powerctl.core.errors import RemoteError

FRAME = Recorded(Monotonic(12.5), 0x102, bytes((2, 0x9A, 1, 0, 0, 0xC8, 3, 0)))
HEAD = "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
# As the programs print them (candump of can-utils, SavvyCAN).
SAME = {
    "candump -L": "(12.500000) can0 102#029A010000C80300\n",
    "candump -L with direction": "(12.500000) can0 102#029A010000C80300 R\n",
    "candump -t a": " (12.500000)  can0  102   [8]  02 9A 01 00 00 C8 03 00\n",
    "candump -t a -x": " (12.500000)  can0  RX - -  102   [8]  02 9A 01 00 00 C8 03 00\n",
    "SavvyCAN": HEAD + "12500000,00000102,false,Rx,0,8,02,9A,01,00,00,C8,03,00,\n",
    "SavvyCAN with a byte order mark": "\ufeff" + HEAD + "12500000,00000102,false,Rx,0,8,02,9A,01,00,00,C8,03,00,\n",
}


@pytest.mark.parametrize("name", sorted(SAME))
def test_every_format_gives_the_same_frame(name: str) -> None:
    assert read_log(SAME[name].splitlines(keepends=True)).frames == (FRAME,)


def test_extended_identifiers_are_counted_and_left_out() -> None:
    log = read_log(["(1.0) can0 00000102#0011", "(1.1) can0 102#0011"])
    assert (len(log.frames), log.extended) == (1, 1)
    log = read_log((HEAD + "1,00000102,true,Rx,0,1,02,\n").splitlines(keepends=True))
    assert (log.frames, log.extended) == ((), 1)


def test_remote_and_fd_frames_are_no_data() -> None:
    assert read_log(["(1.0) can0 102#R", "(1.0) can0 102##311"]).frames == ()


def test_one_bus_can_be_chosen() -> None:
    lines = ["(1.0) can0 102#00", "(1.1) can1 102#01"]
    assert [frame.data for frame in read_log(lines, "can1").frames] == [b"\x01"]
    assert len(read_log(lines).frames) == 2


@pytest.mark.parametrize("line", ["can0  102   [8]  02 9A 01 00 00 C8 03 00", "hello", "(1.0) can0 102#0"])
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(RemoteError, match="line 2"):
        read_log(["(1.0) can0 102#00", line])


def test_an_empty_file_is_an_empty_recording() -> None:
    assert read_log([]).frames == ()
