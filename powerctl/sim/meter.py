"""A peer that serves registers and nothing else: a grid meter, or a utility's remote terminal.

It speaks just enough Modbus/TCP to be read. It shares no code with the station's own server.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping, Sequence
from typing import Final

READS: Final = (3, 4)
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
SUNS: Final = (0x5375, 0x6E53)
ABSENT: Final = 0x8000


class RegisterPeer:
    """Serves the words that it is given; addresses without a word are refused.

    Args:
        words: By address, zero-based.
    """

    def __init__(self, words: Mapping[int, int]) -> None:
        self.words = dict(words)
        """May be changed at any time."""
        self.silent = False
        """True: requests stay without an answer."""
        self.requests = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """The port that is open; 0 before `start`."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Open the port."""
        self._server = await asyncio.start_server(self._serve, host, port)

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.close()
            self._server = None
        await asyncio.sleep(0)

    def put(self, address: int, words: Sequence[int]) -> None:
        """Set words from `address` on."""
        self.words.update({address + number: word & 0xFFFF for number, word in enumerate(words)})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                answer = self._answer(await reader.readexactly(length - 1))
                self.requests += 1
                if not self.silent:
                    writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
        except (asyncio.IncompleteReadError, ConnectionError, struct.error, ValueError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, pdu: bytes) -> bytes:
        function = pdu[0]
        if function not in READS:
            return bytes((function | 0x80, ILLEGAL_FUNCTION))
        address, count = struct.unpack(">HH", pdu[1:5])
        found = [self.words.get(address + number) for number in range(count)]
        if None in found or not found:
            return bytes((function | 0x80, ILLEGAL_ADDRESS))
        return struct.pack(f">BB{count}H", function, 2 * count, *(word for word in found if word is not None))


def sunspec_meter(power_w: float, currents_a: Sequence[float] | None = None, hz: float = 50.0) -> dict[int, int]:
    """The registers of a three-phase SunSpec meter: a small common model, then model 203, positive as drawn."""
    amperes = [ABSENT] * 3 if currents_a is None else [round(10 * ampere) & 0xFFFF for ampere in currents_a]
    model = [203, 105, *[ABSENT] * 105]
    model[3:7] = [*amperes, -1 & 0xFFFF]
    model[16:18] = [round(100 * hz), -2 & 0xFFFF]
    model[18], model[22] = round(power_w / 10) & 0xFFFF, 1
    words = [*SUNS, 1, 66, *[0] * 66, *model, 0xFFFF, 0]
    return dict(enumerate(words, start=40000))
