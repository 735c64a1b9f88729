"""Files that stations have sent, in the database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.store.fleet_tables import FILE_CHUNKS, STATION_FILES
from cloud.store.upsert import insert_missing
from powerctl.core.health import FileChunk
from powerctl.core.ids import StationId


@dataclass(frozen=True, slots=True)
class StationFile:
    """A file as far as it is here."""

    upload: str
    station: StationId
    file_name: str
    count: int
    received: int
    digest: str
    create_time: datetime


async def take(connection: AsyncConnection, station: StationId, chunk: FileChunk, now: datetime) -> None:
    """Keep a part of a file. One of another station's upload is dropped."""
    row = {
        "upload": chunk.upload,
        "station": station,
        "file_name": chunk.file_name,
        "count": chunk.count,
        "digest": chunk.digest,
        "create_time": now,
    }
    await insert_missing(connection, STATION_FILES, [row], "upload")
    owner = select(STATION_FILES.c.station).where(STATION_FILES.c.upload == chunk.upload)
    if (await connection.execute(owner)).scalar_one() == station:
        part = {"upload": chunk.upload, "number": chunk.number, "content": chunk.content}
        await insert_missing(connection, FILE_CHUNKS, [part], "number")


async def page(
    connection: AsyncConnection, station: StationId, *, offset: int, size: int
) -> tuple[list[StationFile], str]:
    """Files of a station, newest first, and where to continue; empty: that is all."""
    order = STATION_FILES.c.create_time.desc(), STATION_FILES.c.upload
    query = select(STATION_FILES).where(STATION_FILES.c.station == station).order_by(*order)
    rows = (await connection.execute(query.offset(offset).limit(size + 1))).all()
    found = []
    for row in rows[:size]:
        upload, count = row.upload, row._mapping["count"]
        received = await _received(connection, upload)
        found.append(StationFile(upload, station, row.file_name, count, received, row.digest, row.create_time))
    return found, str(offset + size) if len(rows) > size else ""


async def load(connection: AsyncConnection, upload: str) -> tuple[StationId, str, bytes] | None:
    """Whose it is, its name and content. None: it is not all here, or not what was sent."""
    row = (await connection.execute(select(STATION_FILES).where(STATION_FILES.c.upload == upload))).one_or_none()
    if row is None:
        return None
    query = select(FILE_CHUNKS.c.content).where(FILE_CHUNKS.c.upload == upload).order_by(FILE_CHUNKS.c.number)
    content = b"".join((await connection.execute(query)).scalars())
    whole = hashlib.sha256(content).hexdigest() == row.digest
    return (StationId(row.station), row.file_name, content) if whole else None


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Delete what is older."""
    old = select(STATION_FILES.c.upload).where(STATION_FILES.c.create_time < before)
    await connection.execute(delete(FILE_CHUNKS).where(FILE_CHUNKS.c.upload.in_(old)))
    await connection.execute(delete(STATION_FILES).where(STATION_FILES.c.create_time < before))


async def _received(connection: AsyncConnection, upload: str) -> int:
    query = select(func.count()).select_from(FILE_CHUNKS).where(FILE_CHUNKS.c.upload == upload)
    return int((await connection.execute(query)).scalar_one())
