"""A modem's figures, and a class that does not flicker."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.uplink.modem import Modem, ask, csq_on
from edge.uplink.signal import csq_in, next_class, plain_class, rssi_dbm
from powerctl.core.clock import ManualClock
from powerctl.core.errors import RemoteError
from powerctl.core.record import LinkReport, Record, SignalClass

READINGS = st.integers(0, 31) | st.just(99)


@pytest.mark.parametrize(
    ("csq", "dbm", "signal"),
    [
        (99, None, "unknown"),
        (0, -113, "none"),
        (1, -111, "none"),
        (2, -109, "marginal"),
        (9, -95, "marginal"),
        (10, -93, "ok"),
        (14, -85, "ok"),
        (15, -83, "good"),
        (19, -75, "good"),
        (20, -73, "excellent"),
        (31, -51, "excellent"),
    ],
)
def test_figures_and_classes_are_those_of_3gpp(csq: int, dbm: int | None, signal: str) -> None:
    assert (rssi_dbm(csq), plain_class(csq)) == (dbm, SignalClass(signal))


def test_a_signal_at_a_border_does_not_flicker() -> None:
    signal, seen = SignalClass.OK, []
    for csq in (9, 10, 8, 11, 9, 10):
        signal = next_class(signal, csq)
        seen.append(signal)
    assert set(seen) == {SignalClass.OK}
    assert next_class(SignalClass.OK, 7) is SignalClass.MARGINAL
    assert next_class(SignalClass.MARGINAL, 11) is SignalClass.MARGINAL
    assert next_class(SignalClass.MARGINAL, 12) is SignalClass.OK


@given(st.sampled_from(SignalClass), READINGS)
def test_a_steady_signal_keeps_its_class(before: SignalClass, csq: int) -> None:
    first = next_class(before, csq)
    assert next_class(first, csq) is first


@given(st.sampled_from(SignalClass), READINGS)
def test_the_class_is_never_far_from_the_reading(before: SignalClass, csq: int) -> None:
    near = {
        plain_class(max(csq - 2, 0)),
        plain_class(csq),
        plain_class(min(csq + 2, 31)) if csq <= 31 else plain_class(csq),
    }
    assert csq == 99 or next_class(before, csq) in near


@pytest.mark.parametrize("answer", ["", "OK", "+CSQ: 45,99", "+CSQ: x,99", "ERROR", "\x00\xff"])
def test_other_answers_are_refused(answer: str) -> None:
    with pytest.raises(RemoteError):
        csq_in(answer)


@asynccontextmanager
async def modem(*answers: str) -> AsyncIterator[Path]:
    """A modem on a pseudo terminal that gives these answers in turn."""
    ours, theirs = pty.openpty()
    left = list(answers)

    def serve() -> None:
        if b"\r" in os.read(ours, 100) and left:
            os.write(ours, left.pop(0).encode())

    asyncio.get_running_loop().add_reader(ours, serve)
    try:
        yield Path(os.ttyname(theirs))
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_a_modem_is_asked_over_its_serial_port() -> None:
    async with modem("AT+CSQ\r\r\n+CSQ: 17,99\r\n\r\nOK\r\n") as device:
        assert csq_in(await ask(device)) == 17


async def test_a_change_of_the_signal_is_told_and_a_weak_one_makes_the_link_sparing() -> None:
    told: list[LinkReport] = []
    weak: list[bool] = []

    async def append(record: Record) -> None:
        assert isinstance(record.body, LinkReport)
        told.append(record.body)

    answers = [f"\r\n+CSQ: {csq},99\r\n\r\nOK\r\n" for csq in (17, 17, 5, 99)]
    async with modem(*answers) as device:
        watch = Modem(lambda: csq_on(device), ManualClock(), append, weak.append)
        for _ in answers:
            await watch.look()
    assert [one.signal.value for one in told] == ["good", "marginal", "unknown"]
    assert weak == [False, False, True, False]
    assert told[1] == LinkReport(SignalClass.MARGINAL, -103, 5)


async def test_a_modem_that_is_away_is_unknown_and_not_weak(tmp_path: Path) -> None:
    weak: list[bool] = []

    async def append(record: Record) -> None:
        assert record.body == LinkReport(SignalClass.UNKNOWN, None, None)

    await Modem(lambda: csq_on(tmp_path / "none"), ManualClock(), append, weak.append).look()
    assert weak == [False]
