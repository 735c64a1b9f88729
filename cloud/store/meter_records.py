"""What the stations' meters have signed, as they gave it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.receipt import Receipt
from cloud.store.money_tables import METER_RECORDS
from powerctl.core.ids import StationId
from powerctl.core.record import SignedMeterRecord


async def add(connection: AsyncConnection, station: StationId, body: SignedMeterRecord, now: datetime) -> None:
    """Keep a record. One that is known already stays as it is, whatever a second one says."""
    at = (METER_RECORDS.c.station == station) & (METER_RECORDS.c.session == body.session)
    known = select(METER_RECORDS.c.station).where(at, METER_RECORDS.c.transaction == body.transaction)
    if (await connection.execute(known)).first() is not None:
        return
    row = {"station": station, "session": body.session, "transaction": body.transaction, "content": body.content}
    await connection.execute(insert(METER_RECORDS).values({**row, "receive_time": now}))


async def of_receipt(connection: AsyncConnection, receipt: Receipt) -> list[str]:
    """The records of a receipt's session, oldest transaction first. What is no text is shown with replacements."""
    query = (
        select(METER_RECORDS.c.content)
        .where(METER_RECORDS.c.station == receipt.station, METER_RECORDS.c.session == receipt.session)
        .order_by(METER_RECORDS.c.transaction)
    )
    return [content.decode("utf-8", errors="replace") for content in (await connection.execute(query)).scalars()]


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Delete what came before then."""
    await connection.execute(delete(METER_RECORDS).where(METER_RECORDS.c.receive_time < before))
