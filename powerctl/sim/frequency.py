"""A synthetic line frequency with the statistics of the Nordic grid, and a program that measures it.

It is made, not measured: an Ornstein-Uhlenbeck process whose standard deviation leaves the Nordic standard range, 49.9
to 50.1 Hz, for as long as the operators of that grid aim at, and now and then the loss of a large plant. The range and
the bounds are those of Regulation (EU) 2017/1485, annex III, tables 1 and 2: at most 15,000 minutes a year outside, and
0.5 Hz of steady deviation after the largest loss; the Nordic System Operation Agreement aims at 10,000 minutes. How
long a deviation lasts, and how a loss recovers, is assumed.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Final

from powerctl.runtime import service

NOMINAL_HZ: Final = 50.0
STANDARD_RANGE_HZ: Final = 0.1
MINUTES_OUTSIDE: Final = 10_000
"""Per year."""
SIGMA_HZ: Final = STANDARD_RANGE_HZ / NormalDist().inv_cdf(1 - MINUTES_OUTSIDE / (2 * 365 * 24 * 60))
"""0.0426: what spends so many minutes outside the range."""
RELAXATION_S: Final = 60.0
"""How long a deviation lasts; assumed."""
FALL_S: Final = 6.0
"""From the loss of a plant to the lowest frequency."""
RECOVERY_S: Final = 120.0
RATE: Final = 10
"""Samples per second."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A large plant trips."""

    at_s: float
    depth_hz: float
    """How far the frequency falls on top of what it does anyway."""

    def dip(self, t: float) -> float:
        """Hertz below the undisturbed frequency at `t` seconds: a quick fall, then a slow recovery."""
        since = t - self.at_s
        if since < 0:
            return 0.0
        if since < FALL_S:
            return self.depth_hz * math.sin(math.pi / 2 * since / FALL_S)
        return self.depth_hz * math.exp(-(since - FALL_S) / RECOVERY_S)


def trace(
    seconds: float, *, seed: int, losses: Sequence[Loss] = (), rate: int = RATE, sigma_hz: float = SIGMA_HZ
) -> Iterator[float]:
    """Hertz, `rate` samples per second, the same for the same seed."""
    random = Random(seed)  # noqa: S311 - a simulation
    keep = math.exp(-1 / (rate * RELAXATION_S))
    push = sigma_hz * math.sqrt(1 - keep * keep)
    deviation = random.gauss(0.0, sigma_hz)
    for number in range(round(seconds * rate)):
        deviation = keep * deviation + push * random.gauss(0.0, 1.0)
        yield NOMINAL_HZ + deviation - sum(loss.dip(number / rate) for loss in losses)


class FrequencyMeter:
    """Serves samples on a Unix socket, one line each, to everyone who connects."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.connected = asyncio.Event()
        """Set once somebody listens."""

    async def start(self) -> None:
        """Open the socket."""
        self._server = await asyncio.start_unix_server(self._greet, self._path)

    async def close(self) -> None:
        """Close the socket and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        await asyncio.sleep(0)

    def _greet(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connected.set()

    def send(self, hz: float) -> None:
        """Give one sample to all who listen."""
        self.send_line(f"{hz:.4f}")

    def send_line(self, line: str) -> None:
        """Give any line to all who listen."""
        for writer in tuple(self._writers):
            if writer.is_closing():
                self._writers.discard(writer)
            else:
                writer.write(f"{line}\n".encode())

    async def play(self, samples: Iterable[float], rate: int = RATE) -> None:
        """Give `samples` at their rate, without drift."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        for number, hz in enumerate(samples):
            await asyncio.sleep(max(0.0, started + number / rate - loop.time()))
            self.send(hz)


async def serve(path: Path, seed: int) -> None:
    """The program: a day of frequency on a socket, until it is told to stop."""
    meter = FrequencyMeter(path)
    await meter.start()
    try:
        await service.run_service("frequency", meter.play(trace(86_400, seed=seed)))
    finally:
        await meter.close()


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m powerctl.sim.frequency`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("socket", type=Path, help="Unix socket to serve")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    given = parser.parse_args(argv)
    given.socket.unlink(missing_ok=True)
    return service.main("frequency", lambda: serve(given.socket, given.seed))


if __name__ == "__main__":
    raise SystemExit(main())
