"""A load of Modbus/TCP clients in a process of its own, `python -m tests.bench.modbus_load`; the result as JSON.

It shares no code with the product and parses no more than it must, so that the server is what is measured.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import selectors
import socket
import struct
import time

READ_TEN = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 40000, 10)
READ_ALL = struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 40000, 125)
ANSWERS = {READ_TEN: 9 + 20, READ_ALL: 9 + 250}


def connected(port: int) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), timeout=5)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one


def receive(one: socket.socket, size: int) -> None:
    """One whole answer; the sockets are blocking, and the first part is there."""
    while size > 0:
        part = one.recv(size)
        if not part:
            raise ConnectionError("the server closed a connection")
        size -= len(part)


def saturate(port: int, connections: int, seconds: float) -> dict[str, float]:
    """As many requests as the server answers, one outstanding on each connection."""
    selector, size = selectors.DefaultSelector(), ANSWERS[READ_TEN]
    sockets = [connected(port) for _ in range(connections)]
    for one in sockets:
        selector.register(one, selectors.EVENT_READ, one)
        one.sendall(READ_TEN)
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for key, _ in selector.select(1.0):
            client = key.data
            receive(client, size)
            client.sendall(READ_TEN)
            done += 1
    return {"requests": done, "seconds": time.perf_counter() - started}


def pace(port: int, connections: int, rate: float, seconds: float) -> dict[str, float]:
    """Each connection asks `rate` times a second at a phase of its own; the latencies in milliseconds."""
    selector, size, chance = selectors.DefaultSelector(), ANSWERS[READ_ALL], random.Random(1)
    sockets = [connected(port) for _ in range(connections)]
    started = time.perf_counter()
    due = [(started + chance.random() / rate, number) for number in range(connections)]
    heapq.heapify(due)
    sent: dict[socket.socket, float] = {}
    latencies: list[float] = []
    for one in sockets:
        selector.register(one, selectors.EVENT_READ, one)
    while due or sent:
        now = time.perf_counter()
        while due and due[0][0] <= now:
            at, number = heapq.heappop(due)
            sent[sockets[number]] = time.perf_counter()
            sockets[number].sendall(READ_ALL)
            if at + 1 / rate < started + seconds:
                heapq.heappush(due, (at + 1 / rate, number))
        for key, _ in selector.select(max(0.0, due[0][0] - time.perf_counter()) if due else 1.0):
            client = key.data
            receive(client, size)
            latencies.append(1000 * (time.perf_counter() - sent.pop(client)))
    latencies.sort()
    return {
        "requests": len(latencies),
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[int(0.99 * (len(latencies) - 1))],
        "max": latencies[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0, help="0: as fast as the server answers")
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    if given.rate:
        found = pace(given.port, given.connections, given.rate, given.seconds)
    else:
        found = saturate(given.port, given.connections, given.seconds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
