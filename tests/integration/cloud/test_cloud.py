"""From the plug to the receipt, through real processes, one of which is killed in mid-session."""

from __future__ import annotations

import signal
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from powerctl.core.ids import SessionId
from powerctl.core.record import (
    Body,
    CommandOutcome,
    CommandResult,
    ConnectorStatusChanged,
    MeterReading,
    Record,
    SessionClosed,
    SessionOpened,
    TransactionEnded,
    TransactionStarted,
    lane_of,
)
from powerctl.core.session import ConnectorState, StopReason
from powerctl.wire.uplink import record_to_wire
from tests.integration.cloud.process import CloudProcess, eventually, read
from tests.integration.link.station import Station
from tests.unit.cloud.stories import LEFT, describes

pytestmark = pytest.mark.integration

PLUG = "/v1/locations/ST-1/evses/1/connectors/1"


def tell(station: Station, *bodies: Body) -> None:
    """The controller writes these to the outbox."""
    for body in bodies:
        record = Record(datetime.now(UTC), body)
        station.outbox.append(lane_of(body), record_to_wire(record).SerializeToString())


async def session_in(browser: httpx.AsyncClient, session: SessionId, state: str) -> dict[str, Any]:
    """The session, once it is in this state."""

    async def look() -> dict[str, Any] | None:
        found = await read(browser, f"/v1/sessions/{session}")
        return found if found is not None and found["state"] == f"SESSION_STATE_{state}" else None

    return await eventually(look)


def request() -> dict[str, str]:
    return {"requestId": str(uuid.uuid4())}


async def test_a_session_from_the_plug_to_the_receipt_survives_a_killed_cloud(
    program: CloudProcess, station: Station
) -> None:
    session = SessionId(str(uuid.uuid4()))
    operator = await program.browser("operator", "Opal")
    driver = await program.browser("driver", "Anna")
    opened = (SessionOpened(session, LEFT), ConnectorStatusChanged(LEFT, ConnectorState.OCCUPIED, session, ""))
    tell(station, describes(), *opened)
    await session_in(operator, session, "OPEN")

    await eventually(lambda: started(driver))
    (entry,) = await station.commands()
    begin = MeterReading("M1", 1_000, datetime.now(UTC), valid=True)
    tell(
        station,
        CommandResult(entry.command_id, CommandOutcome.ACCEPTED, ""),
        TransactionStarted(session, LEFT, begin, entry.command_id),
    )
    await session_in(driver, session, "ACTIVE")

    program.stop(signal.SIGKILL)
    end = replace(begin, register_wh=1_060, read_time=begin.read_time + timedelta(minutes=1))
    over = TransactionEnded(session, LEFT, end, StopReason.DRIVER, "", begin, begin.read_time, idle_s=0)
    tell(station, over, SessionClosed(session, LEFT))
    assert station.waiting() >= 2
    await program.start()

    done = await session_in(driver, session, "COMPLETED")
    receipt = await read(driver, f"/v1/{done['receipt']}")
    assert (receipt["energyWh"], receipt["total"]["nanos"], receipt["simulated"]) == ("60", 30_000_000, True)
    await station.until_all_is_committed()
    stranger = await program.browser("driver", "Bert")
    assert await read(stranger, f"/v1/{done['receipt']}") is None
    for browser in (operator, driver, stranger):
        await browser.aclose()
    assert program.stop() == 0
    assert "signin=" not in program.log()
    assert "eyJ" not in program.log()


async def started(driver: httpx.AsyncClient) -> bool | None:
    """True once the start was taken: the connector is told of a little later than the session."""
    answer = await driver.post(f"{PLUG}:start", json=request())
    return True if answer.status_code == 200 else None


async def test_a_command_that_no_station_answers_gives_the_session_back(
    program: CloudProcess, station: Station
) -> None:
    session = SessionId(str(uuid.uuid4()))
    driver = await program.browser("driver", "Anna")
    status = ConnectorStatusChanged(LEFT, ConnectorState.OCCUPIED, session, "")
    tell(station, describes(), SessionOpened(session, LEFT), status)
    await eventually(lambda: started(driver))
    (entry,) = await station.commands()
    tell(station, CommandResult(entry.command_id, CommandOutcome.EXPIRED, "The command came too late."))
    found = await session_in(driver, session, "OPEN")
    assert found["detail"] == "The command came too late."
    await driver.aclose()


async def test_metrics_are_served(program: CloudProcess) -> None:
    async with httpx.AsyncClient(verify=False) as client:
        text = (await client.get(f"http://127.0.0.1:{program.http}/metrics")).text
    assert "cloud_watch_streams" in text
