"""A utility that misbehaves: scripts of what real ones have done wrong, and a player that commits them over Modbus/TCP.

`python -m powerctl.sim.grid --port 5020 flapping` plays one against a station and says what it answered, as JSON lines.
The scripts are values: the same ones run in tests, in virtual time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Final

from powerctl.runtime import service
from powerctl.signals.mailbox import Mode
from powerctl.signals.register_map import REGISTER_MAP

ANSWER_S: Final = 5.0
"""An answer that takes longer is none."""
LIMIT_W: Final = 9_000
_HEADER: Final = struct.Struct(">HHHB")
_LARGEST: Final = 260


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that the utility does."""

    after_s: float = 0.0
    """Since the act before."""
    do: str = "write"
    """`write`, `read`, `connect` (one more connection, the old one is forgotten) or `drop` (without a word)."""
    point: str = "LimW"
    """First point of the slot that is written or read."""
    words: tuple[int, ...] = ()
    """Registers from there on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the station made of an act."""

    act: Act
    code: int | None = None
    """Exception code. None: accepted."""
    lost: bool = False
    """True: there was no answer."""

    @property
    def accepted(self) -> bool:
        """True if the station took it."""
        return self.code is None and not self.lost


Script = Callable[[int], Iterator[Act]]
"""The acts of about so many seconds."""


def limit(watts: int, *, after_s: float = 0.0) -> Iterator[Act]:
    """A heartbeat, a limit and its enable, as a well-behaved utility begins."""
    yield Act(after_s, point="Hb", words=(1,))
    yield Act(point="LimW", words=(watts,))
    yield Act(point="Mode", words=(Mode.CAP, 1))


def beats(seconds: int, *, first: int = 2) -> Iterator[Act]:
    """A moving heartbeat each second."""
    for beat in range(first, first + seconds):
        yield Act(1.0, point="Hb", words=(beat % 0xFFFF,))


def silence(seconds: int) -> Iterator[Act]:
    """Reads on and on, and says nothing."""
    yield from limit(LIMIT_W)
    for _ in range(seconds):
        yield Act(1.0, "read", "St", (0,))


def flapping(seconds: int) -> Iterator[Act]:
    """A limit that goes up and down by 1 kW each second; every write is a heartbeat."""
    yield from limit(LIMIT_W)
    for watts in islice(cycle((LIMIT_W + 1000, LIMIT_W)), seconds):
        yield Act(1.0, point="LimW", words=(watts,))


def frozen(seconds: int) -> Iterator[Act]:
    """A program that hangs: the communication processor repeats the last heartbeat for ever."""
    yield from limit(LIMIT_W)
    for _ in range(seconds):
        yield Act(1.0, point="Hb", words=(1,))


def replayed(seconds: int) -> Iterator[Act]:
    """A gateway that repeats the last command, its sequence number included."""
    yield from limit(LIMIT_W)
    yield Act(point="Seq", words=(7,))
    for _ in range(seconds):
        yield Act(1.0, point="Ena", words=(1, 7))


ABSURD: Final[Mapping[str, tuple[tuple[str, tuple[int, ...]], ...]]] = {
    "zero": (("LimW", (0,)),),
    "above the rating": (("LimW", (60_000,)),),
    "not implemented": (("LimW", (0xFFFF,)),),
    "negative, as int16": (("LimW", (0x10000 - 4200,)),),
    "wrapped int16": (("LimW", (0x8000,)),),
    "a set-point that feeds in": (("SetW", (5000,)), ("Mode", (Mode.SETPOINT, 1))),
    "a set-point that is not implemented": (("SetW", (0x8000,)),),
    "a set-point far above the rating": (("SetW", (0x8001,)), ("Mode", (Mode.SETPOINT, 1))),
    "an unknown mode": (("Mode", (9,)),),
    "an unknown enable": (("Ena", (2,)),),
    "half of a duration": (("DurTms", (1,)),),
    "a heartbeat time-out of a second": (("HbTms", (1,)),),
    "a failsafe duration of a second": (("FsTms", (0, 1)),),
    "a failsafe value above the rating": (("FsW", (60_000,)),),
    "an acknowledgement of its own": (("AckSeq", (1,)),),
    "a slope of nothing": (("RmpUp", (0,)),),
    "a slope of everything": (("RmpUp", (0xFFFE,)),),
    "a reversion at once": (("RvrtW", (60_000, 1, 0, 1)),),
    "the whole slot, absurd": (("LimW", (0xFFFF,) * 24),),
}


def absurd(seconds: int) -> Iterator[Act]:
    """Every absurd value in turn, between good limits."""
    yield from limit(LIMIT_W)
    for writes in islice(cycle(ABSURD.values()), seconds):
        for point, words in writes:
            yield Act(0.5, point=point, words=words)
        yield Act(0.5, point="Hb", words=(1,))
        yield Act(point="Mode", words=(Mode.CAP, 1))


def wandering_clock(seconds: int) -> Iterator[Act]:
    """Starts and durations by a clock that jumps: 1970, an hour ago, next century, the end of 32 bits."""
    yield from limit(LIMIT_W)
    now = int(datetime.now(UTC).timestamp())
    for number, start in enumerate(islice(cycle((1, now - 3600, now + 3600, 0xFFFFFFFE, 0x80000000, 0)), seconds)):
        yield Act(1.0, point="StrTms", words=(*divmod(start, 0x10000), 0, 600))
        yield Act(point="LimW", words=(LIMIT_W - number % 2 * 1000,))


def storm(seconds: int) -> Iterator[Act]:
    """Connects ten times a second and drops every connection, asking something on each second one."""
    for number in range(10 * seconds):
        yield Act(0.1, "connect")
        if number % 2:
            yield Act(0.0, "read", "LimW", (0,))
        yield Act(0.0, "drop")


MISBEHAVIOURS: Final[Mapping[str, Script]] = {
    "silence": silence,
    "flapping": flapping,
    "frozen": frozen,
    "replayed": replayed,
    "absurd": absurd,
    "clock": wandering_clock,
    "storm": storm,
}


@dataclass
class Player:
    """Commits acts against one slot of the station at `host`:`port`, on one connection at a time."""

    port: int
    host: str = "127.0.0.1"
    slot: int = 0
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    _transaction: int = field(default=0)

    async def play(self, acts: Iterator[Act]) -> AsyncIterator[Answer]:
        """The answer to each act, as it comes."""
        try:
            for act in acts:
                await asyncio.sleep(act.after_s)
                yield await self._commit(act)
        finally:
            self._drop()

    async def _commit(self, act: Act) -> Answer:
        if act.do == "drop":
            self._drop()
            return Answer(act)
        try:
            if act.do == "connect" or self._streams is None:
                self._drop()
                self._streams = await asyncio.open_connection(self.host, self.port)
            return Answer(act) if act.do == "connect" else Answer(act, await self._ask(self._streams, act))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self._drop()
            return Answer(act, lost=True)

    async def _ask(self, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], act: Act) -> int | None:
        """The exception code of the answer; None: there is none."""
        reader, writer = streams
        self._transaction = (self._transaction + 1) % 0x10000
        pdu = self._pdu(act)
        writer.write(_HEADER.pack(self._transaction, 0, len(pdu) + 1, 1) + pdu)
        async with asyncio.timeout(ANSWER_S):
            length = _HEADER.unpack(await reader.readexactly(_HEADER.size))[2]
            answer = await reader.readexactly(min(length - 1, _LARGEST))
        return answer[1] if answer[0] & 0x80 else None

    def _pdu(self, act: Act) -> bytes:
        address = REGISTER_MAP.by_path[f"64300.Src.{self.slot}.{act.point}"].address
        count = len(act.words)
        if act.do == "read":
            return struct.pack(">BHH", 3, address, count)
        return struct.pack(f">BHHB{count}H", 16, address, count, 2 * count, *act.words)

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _run(options: argparse.Namespace) -> None:
    player = Player(options.port, options.host, options.slot)
    async for answer in player.play(MISBEHAVIOURS[options.misbehaviour](options.seconds)):
        said = "lost" if answer.lost else "accepted" if answer.accepted else f"exception {answer.code}"
        act = {"do": answer.act.do, "point": answer.act.point, "words": answer.act.words, "answer": said}
        with suppress(BrokenPipeError):
            sys.stdout.write(json.dumps(act) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Play one script; returns the exit status."""
    parser = argparse.ArgumentParser(prog="powerctl.sim.grid", description="A utility that misbehaves.")
    parser.add_argument("misbehaviour", choices=sorted(MISBEHAVIOURS))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5020)
    parser.add_argument("--slot", type=int, default=0, choices=range(4))
    parser.add_argument("--seconds", type=int, default=60, metavar="S")
    options = parser.parse_args(argv)
    return service.main("grid", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
