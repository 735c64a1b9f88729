"""An insulation monitor that is not there: the device's registers behind a pseudo terminal, in Modbus RTU.

`python -m edge.hardware.simulated_bender` prints the terminal's path and answers until it is ended.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import threading
import tty
from collections.abc import Sequence
from typing import Final

from edge.hardware import bender, rtu

NAME: Final = "isoCHA425HV-D4-4"
ILLEGAL_ADDRESS: Final = 2
REQUEST: Final = 8


class BenderRegisters:
    """What the device holds; answers requests (pure)."""

    def __init__(self, *, kohm: float = 5000.0, volts: float = 0.0, unit: int = 3) -> None:
        self.kohm = kohm
        self.volts = volts
        self.unit = unit
        self.written: dict[int, int] = {}
        """Settings by register."""
        self.self_tests = 0

    def answer(self, request: bytes) -> bytes | None:
        """The answer to one request; None: it is not for this device, or damaged."""
        if len(request) != REQUEST or rtu.crc(request[:-2]) != request[-2:] or request[0] != self.unit:
            return None
        _, function, address, value = struct.unpack(">BBHH", request[:-2])
        if function == rtu.READ_HOLDING:
            return self._read(address, value)
        if function == rtu.WRITE_ONE:
            return self._write(request, address, value)
        return rtu.sealed(bytes((self.unit, function | 0x80, 1)))

    def _read(self, address: int, count: int) -> bytes:
        values = self._values()
        wanted = [values.get(register) for register in range(address, address + count)]
        if any(value is None for value in wanted):
            return rtu.sealed(bytes((self.unit, rtu.READ_HOLDING | 0x80, ILLEGAL_ADDRESS)))
        data = b"".join(struct.pack(">H", value) for value in wanted)
        return rtu.sealed(bytes((self.unit, rtu.READ_HOLDING, len(data))) + data)

    def _write(self, request: bytes, address: int, value: int) -> bytes:
        if address == bender.SELF_TEST:
            self.self_tests += value == bender.TEST_NOW
        self.written[address] = value
        return request

    def _values(self) -> dict[int, int]:
        values = {bender.R_F + place: 0 for place in range(32)}
        for address, number in ((bender.R_F, self.kohm * 1000), (bender.U_N, self.volts)):
            values[address], values[address + 1] = rtu.registers_of(number)
        name = NAME.encode().ljust(2 * bender.NAME_REGISTERS, b"\0")
        for place in range(bender.NAME_REGISTERS):
            values[bender.NAME + place] = int.from_bytes(name[2 * place : 2 * place + 2], "big")
        return {**values, **self.written}


class BenderOnTerminal:
    """The device on a pseudo terminal, answered by a thread."""

    def __init__(self, registers: BenderRegisters) -> None:
        self.registers = registers
        self.is_silent = False
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.path = os.ttyname(self._theirs)
        """What the driver opens."""
        self._thread = threading.Thread(target=self._serve, name="bender", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up."""
        os.close(self._theirs)
        os.close(self._ours)

    def _serve(self) -> None:
        waiting = b""
        while True:
            try:
                waiting += os.read(self._ours, 256)
            except OSError:
                return
            while len(waiting) >= REQUEST:
                request, waiting = waiting[:REQUEST], waiting[REQUEST:]
                answer = self.registers.answer(request)
                if answer is not None and not self.is_silent:
                    os.write(self._ours, answer)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the device until it is ended; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m edge.hardware.simulated_bender", description=__doc__)
    parser.add_argument("--kohm", type=float, default=5000.0)
    parser.add_argument("--volts", type=float, default=0.0)
    parser.add_argument("--unit", type=int, default=3)
    options = parser.parse_args(argv)
    device = BenderOnTerminal(BenderRegisters(kohm=options.kohm, volts=options.volts, unit=options.unit))
    sys.stdout.write(f"{device.path}\n")
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        device.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
