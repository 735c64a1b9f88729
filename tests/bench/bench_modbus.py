"""The promises of the grid interface, measured from outside `powerctl run`; the yardstick is libmodbus, in C.

About two minutes. Figures marked NOT KEPT do not fail the run: a shared machine is no laboratory. What fails it is a
service that was interrupted.
"""

from __future__ import annotations

import asyncio
import functools
import json
import random
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.bench.manager_process import FAILSAFE_W, HEARTBEAT_S, Installation, cpu_s, install, running
from tests.bench.table import Figure, show
from tests.integration.manager.controller import ScriptedController, eventually

SECONDS = 5.0
FRAMES, HANDSHAKES = 100_000, 1_000
MEBIBYTE = 1024 * 1024
LIMIT, MODE, ENABLE, HEARTBEAT, STATE = 40448, 40468, 40469, 40471, 40478
FAILSAFE = 3
HERE = Path(__file__).parent


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return install(tmp_path)


class Client:
    """A well-behaved client of its own."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, address: int, value: int) -> None:
        self._ask(struct.pack(">BHH", 6, address, value))

    def read(self, address: int) -> int:
        return int(struct.unpack(">H", self._ask(struct.pack(">BHH", 3, address, 1))[2:])[0])

    def close(self) -> None:
        self._socket.close()

    def _ask(self, pdu: bytes) -> bytes:
        self._socket.sendall(struct.pack(">HHHB", 1, 0, len(pdu) + 1, 1) + pdu)
        answer = self._socket.recv(260)
        assert answer, "the station closed the connection"
        assert answer[7] == pdu[0], f"refused with exception {answer[8]}"
        return answer[7:]


def load(port: int, connections: int, *, rate: float = 0.0, seconds: float = SECONDS) -> dict[str, float]:
    """The result of a load in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.modbus_load", "--port", str(port), "--connections", str(connections)]
    done = subprocess.run(
        [*command, "--rate", str(rate), "--seconds", str(seconds)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def libmodbus(folder: Path) -> Iterator[tuple[int, int] | None]:
    """Process id and port of the C server; None where it cannot be built."""
    program = folder / "libmodbus_server"
    flags = ("-O2", "-I/usr/include/modbus", "-o", str(program), str(HERE / "libmodbus_server.c"), "-lmodbus")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or subprocess.run([compiler, *flags], capture_output=True, check=False).returncode:
        print("\nWithout gcc and libmodbus-dev there is no yardstick for the CPU time of a request.")
        yield None
        return
    process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def measured(pid: int, port: int, connections: int) -> tuple[float, float]:
    """Requests per second, and microseconds of the server's CPU for each."""
    before = cpu_s(pid)
    found = load(port, connections)
    return found["requests"] / found["seconds"], 1e6 * (cpu_s(pid) - before) / found["requests"]


def test_requests_beside_the_yardstick(installation: Installation, tmp_path: Path) -> None:
    figures = []
    with running(installation) as program, libmodbus(tmp_path) as yardstick:
        load(installation.ports["modbus"], 1, seconds=1.0)
        for connections, promise in ((1, 4000), (50, 8000)):
            rate, cpu_us = measured(program.process.pid, installation.ports["modbus"], connections)
            where = "one connection" if connections == 1 else f"{connections} connections"
            figures += [
                Figure(f"Requests per second, {where}", rate, "/s", promise, at_least=True),
                Figure(f"CPU per request, {where}", cpu_us, "µs"),
            ]
            if yardstick is not None:
                theirs, their_us = measured(*yardstick, connections)
                figures += [
                    Figure(f"libmodbus in C: requests per second, {where}", theirs, "/s"),
                    Figure(f"libmodbus in C: CPU per request, {where}", their_us, "µs"),
                    Figure(f"CPU per request over libmodbus, {where}", cpu_us / their_us, "×", 4),
                ]
    show("Modbus/TCP, reads of 10 registers, as fast as they are answered", figures)


async def test_replies_while_both_vehicles_charge(tmp_path: Path) -> None:
    installation = install(tmp_path, plan=True)
    with running(installation) as program:
        async with charging(installation):
            with closing(Client(installation.ports["modbus"])) as client:
                client.write(HEARTBEAT, 1)
                client.write(ENABLE, 1)
            before, started = program.cpu_s(), time.perf_counter()
            found = await asyncio.to_thread(load, installation.ports["modbus"], 50, rate=1.0, seconds=20.0)
            share = 100 * (program.cpu_s() - before) / (time.perf_counter() - started)
    show(
        "50 clients, each reading 125 registers a second, while two vehicles charge and a plan is computed",
        [
            Figure("Replies", found["requests"], ""),
            Figure("Reply, median", found["p50"], "ms"),
            Figure("Reply, p99", found["p99"], "ms", 20),
            Figure("Reply, longest", found["max"], "ms"),
            Figure("CPU of the energy manager", share, "%"),
        ],
    )


def charging(installation: Installation) -> ScriptedController:
    """A controller with two vehicles that draw what they may."""
    controller = ScriptedController(installation.ports["dispatch"], installation.client)
    controller.plug(1, committed_kw=5.0, min_kw=0.5, minutes_ago=9)
    controller.plug(2, committed_kw=5.0, min_kw=0.5)
    return controller


def _both_told(controller: ScriptedController) -> bool:
    return len({setpoint.connector for _, setpoint in controller.setpoints}) == 2


def _freed(controller: ScriptedController) -> bool:
    return controller.limit_w(1) > 6000.0


def test_loss_of_heartbeat(installation: Installation) -> None:
    late = []
    with running(installation) as program, closing(Client(installation.ports["modbus"])) as client:
        for beat in range(1, 4):
            client.write(HEARTBEAT, beat)
            client.write(LIMIT, 9000)
            client.write(ENABLE, 1)
            last = time.perf_counter()
            while client.read(STATE) != FAILSAFE:
                assert time.perf_counter() - last < HEARTBEAT_S + 5, "the loss was not noticed"
                time.sleep(0.005)
            late.append(time.perf_counter() - last - HEARTBEAT_S)
            assert program.process.poll() is None
    show(
        f"Loss of a heartbeat of {HEARTBEAT_S} s",
        [
            Figure("Earliest detection, relative to the time-out", 1000 * min(late), "ms", -1000, at_least=True),
            Figure("Latest detection, relative to the time-out", 1000 * max(late), "ms", 1000),
        ],
    )


async def test_failsafe_after_a_restart(installation: Installation) -> None:
    first_w, after_s, listening_s = [], [], []
    for _ in range(3):
        with running(installation) as program:
            listening_s.append(program.listening_after_s)
            started = time.perf_counter()
            async with charging(installation) as controller:
                await eventually(functools.partial(_both_told, controller), 20.0)
                after_s.append(time.perf_counter() - started)
                first_w.append(sum(setpoint.limit.w for _, setpoint in controller.setpoints[:2]))
                with closing(Client(installation.ports["modbus"])) as client:
                    client.write(HEARTBEAT, 1)
                    client.write(LIMIT, 22000)
                    client.write(ENABLE, 1)
                await eventually(functools.partial(_freed, controller), 20.0)
    show(
        "Killed and started again while two vehicles charge; no contactor closes without a first limit",
        [
            Figure("Process start to an open Modbus port, longest", max(listening_s), "s", 5),
            Figure("First limits of both connectors together, DC, highest", max(first_w), "W", FAILSAFE_W),
            Figure("Port open to the first limits, longest", max(after_s), "s"),
        ],
    )
    assert max(first_w) <= FAILSAFE_W


class Bystander(threading.Thread):
    """Reads ten times a second, on one connection, and writes its heartbeat; a lost answer is remembered."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._client = Client(port)
        self._over = threading.Event()
        self.failure: Exception | None = None
        self.longest_s = 0.0
        self.answers = 0

    def run(self) -> None:
        beat = 0
        while not self._over.wait(0.1):
            started = time.perf_counter()
            beat += 1
            try:
                self._client.write(HEARTBEAT, beat)
                assert self._client.read(40000) == 0x5375
            except (OSError, AssertionError) as error:
                self.failure = error
                break
            self.answers += 2
            self.longest_s = max(self.longest_s, time.perf_counter() - started)

    def end(self) -> None:
        self._over.set()
        self.join()
        self._client.close()


def nonsense(chance: random.Random) -> tuple[bytes, bool]:
    """A malformed frame, and whether the station must close the connection because of it."""
    kind = chance.randrange(50)
    if kind == 0:
        return struct.pack(">HHHB", 1, chance.randrange(1, 0x10000), 6, 1) + chance.randbytes(5), True
    if kind == 1:
        return struct.pack(">HHHB", 1, 0, chance.choice((0, 1, 255, 0xFFFF)), 1), True
    pdu = bytes((chance.randrange(256),)) + chance.randbytes(chance.randrange(0, 40))
    return struct.pack(">HHHB", 1, 0, len(pdu) + 1, chance.choice((1, 1, 1, 7))) + pdu, False


def bombard(port: int, frames: int, seed: int) -> None:
    """Malformed frames on 8 connections, in bursts; every answer is read, and every closed connection replaced."""
    chance, sockets = random.Random(seed), [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(8)]
    for number in range(frames // 20):
        place = number % len(sockets)
        burst = [nonsense(chance) for _ in range(20)]
        closes = any(fatal for _, fatal in burst)
        with suppress(OSError):
            sockets[place].sendall(b"".join(frame for frame, _ in burst))
            if closes:
                while sockets[place].recv(65536):
                    pass
            else:
                _read_answers(sockets[place], len(burst))
        if closes:
            sockets[place].close()
            sockets[place] = socket.create_connection(("127.0.0.1", port), timeout=5)
    for one in sockets:
        one.close()


def _read_answers(one: socket.socket, count: int) -> None:
    buffer = b""
    for _ in range(count):
        while len(buffer) < 6 or len(buffer) < 6 + struct.unpack(">H", buffer[4:6])[0]:
            part = one.recv(65536)
            assert part, "the station closed a connection that was within its rights"
            buffer += part
        buffer = buffer[6 + struct.unpack(">H", buffer[4:6])[0] :]


def fail_handshakes(port: int, count: int) -> None:
    """Handshakes that come to nothing: garbage, half a greeting and hanging up, no certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    chance = random.Random(count)
    for number in range(count):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one, suppress(OSError):
            if number % 3 == 0:
                one.sendall(chance.randbytes(200))
            elif number % 3 == 1:
                one.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(64))
                one.shutdown(socket.SHUT_WR)
            else:
                with context.wrap_socket(one) as secure:
                    secure.recv(1)
            while one.recv(4096):
                pass


def test_malformed_frames_and_failed_handshakes(installation: Installation) -> None:
    with running(installation) as program:
        plain, secure = installation.ports["modbus"], installation.ports["secure"]
        bystander = Bystander(plain)
        bystander.start()
        bombard(plain, FRAMES // 20, 0)
        fail_handshakes(secure, HANDSHAKES // 20)
        before = program.resident_bytes()
        started = time.perf_counter()
        bombard(plain, FRAMES, 1)
        frames_s, between = time.perf_counter() - started, program.resident_bytes()
        fail_handshakes(secure, HANDSHAKES)
        time.sleep(6.0)
        after = program.resident_bytes()
        bystander.end()
        assert program.process.poll() is None
    show(
        f"{FRAMES} malformed frames in {frames_s:.0f} s, then {HANDSHAKES} failed handshakes, beside a good client",
        [
            Figure("Memory growth by malformed frames, after a twentieth as warm-up", _mb(between - before), "MB"),
            Figure("Memory growth by failed handshakes", _mb(after - between), "MB"),
            Figure("Memory growth by both", _mb(after - before), "MB", 5),
            Figure("Answers to the good client", bystander.answers, ""),
            Figure("Longest of them, a write and a read", 1000 * bystander.longest_s, "ms"),
        ],
    )
    assert bystander.failure is None


def _mb(size: float) -> float:
    return size / MEBIBYTE
