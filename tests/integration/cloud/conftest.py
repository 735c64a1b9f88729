"""`powerctl-cloud serve` as a process, beside a real broker and a real uplink."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cloud.api.tokens import load_key
from powerctl.runtime.permit import permit_key_to_wire
from tests.broker import Broker, running
from tests.integration.cloud.process import CloudProcess
from tests.integration.link.station import Station


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path, "nats") as broker:
        yield broker


@pytest.fixture
async def program(tmp_path: Path, broker: Broker) -> AsyncIterator[CloudProcess]:
    program = CloudProcess(tmp_path, broker)
    try:
        await program.start()
        yield program
    finally:
        program.stop()


@pytest.fixture
def station(tmp_path: Path, broker: Broker, program: CloudProcess) -> Iterator[Station]:
    permit_key = permit_key_to_wire(load_key(program.folder / "signing.pem").public_key())
    station = Station(tmp_path, broker, permit_key=permit_key)
    station.start()
    try:
        yield station
    finally:
        station.stop()
