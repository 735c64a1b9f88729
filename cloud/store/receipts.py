"""Receipts, their numbers, seals and credits, and who is meant by them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cloud.domain.credit import Credit
from cloud.domain.receipt import Receipt
from cloud.receipts.document import Kept
from cloud.receipts.ocmf import Sealed
from cloud.store import meter_records
from cloud.store.money_tables import CREDITS, PSEUDONYMS, SEALS
from cloud.store.tables import RECEIPTS

Seal = Callable[[Receipt, int], Sealed]
_NONCE: Final = 12


async def add(connection: AsyncConnection, receipt: Receipt, seal: Seal | None) -> int:
    """Write a receipt with its number and seal; returns the number.

    The database refuses a second one for the same session.

    Args:
        connection: A transaction that writes; it keeps the numbers without gaps.
        receipt: Names its driver; what is written names a pseudonym.
        seal: Signs. None: there is no key.
    """
    number = (await connection.execute(select(func.coalesce(func.max(SEALS.c.number), 0)))).scalar_one() + 1
    written = await _disguised(connection, receipt)
    sealed = seal(written, number) if seal is not None else None
    await connection.execute(
        insert(RECEIPTS).values(
            id=written.id,
            session=written.session,
            driver=written.driver,
            issue_time=written.issue_time,
            document=written,
        )
    )
    signed, public_key = (sealed.record, sealed.public_key) if sealed else (None, None)
    row = {"receipt": written.id, "number": number, "signed": signed, "public_key": public_key}
    await connection.execute(insert(SEALS).values(row))
    return int(number)


async def kept(connection: AsyncConnection, receipt: Receipt) -> Kept:
    """The receipt with its number, seal and credits."""
    row = (await connection.execute(select(SEALS).where(SEALS.c.receipt == receipt.id))).first()
    given_back = await credits(connection, receipt.id)
    signed = await meter_records.of_receipt(connection, receipt)
    if row is None:
        return Kept(receipt, 0, None, given_back, signed)
    sealed = Sealed(row.signed, row.public_key) if row.signed else None
    return Kept(receipt, row.number, sealed, given_back, signed)


async def numbers(connection: AsyncConnection, found: Collection[Receipt]) -> dict[str, int]:
    """The number of each of these receipts, by its id; one that was written before there were numbers is absent."""
    query = select(SEALS.c.receipt, SEALS.c.number).where(SEALS.c.receipt.in_([one.id for one in found]))
    return {row.receipt: row.number for row in await connection.execute(query)}


async def credits(connection: AsyncConnection, receipt: str) -> list[Credit]:
    """What was given back of a receipt, oldest first."""
    query = select(CREDITS.c.document).where(CREDITS.c.receipt == receipt).order_by(CREDITS.c.number)
    return list((await connection.execute(query)).scalars())


async def asked(connection: AsyncConnection, principal: str, request_id: str) -> Credit | None:
    """The credit that this request has made. None: the request is new."""
    query = select(CREDITS.c.document).where(CREDITS.c.principal == principal, CREDITS.c.request_id == request_id)
    found: Credit | None = (await connection.execute(query)).scalar_one_or_none()
    return found


async def add_credit(connection: AsyncConnection, credit: Credit, principal: str, request_id: str) -> None:
    """Write a credit with the next number of its own series."""
    number = (await connection.execute(select(func.coalesce(func.max(CREDITS.c.number), 0)))).scalar_one() + 1
    await connection.execute(
        insert(CREDITS).values(
            id=credit.id,
            receipt=credit.receipt,
            number=number,
            principal=principal,
            request_id=request_id,
            issue_time=credit.issue_time,
            document=credit,
        )
    )


async def given_back(connection: AsyncConnection, principal: str, currency: str, since: datetime) -> Decimal:
    """What this person has given back since then; not below zero."""
    query = select(CREDITS.c.document).where(CREDITS.c.principal == principal, CREDITS.c.issue_time > since)
    found: list[Credit] = list((await connection.execute(query)).scalars())
    return -sum((one.total.amount for one in found if one.total.currency == currency), Decimal(0))


async def disclose(connection: AsyncConnection, receipt: str) -> str | None:
    """The user that a receipt was issued to, deciphered. None: nobody's, or the key is gone."""
    query = select(RECEIPTS.c.document, PSEUDONYMS.c.key)
    joined = query.join(PSEUDONYMS, PSEUDONYMS.c.pseudonym == RECEIPTS.c.driver).where(RECEIPTS.c.id == receipt)
    row = (await connection.execute(joined)).first()
    return _deciphered(row.document.identity, row.key) if row is not None else None


async def forget_person(connection: AsyncConnection, user: str) -> None:
    """Make receipts of `user` nobody's, in this database and in every copy of it."""
    await connection.execute(delete(PSEUDONYMS).where(PSEUDONYMS.c.user == user))


async def forget_identities(connection: AsyncConnection, before_year: int) -> None:
    """Make receipts of earlier years nobody's."""
    await connection.execute(delete(PSEUDONYMS).where(PSEUDONYMS.c.year < before_year))


async def forget(connection: AsyncConnection, before: datetime) -> None:
    """Delete receipts that were issued before then, with all that belongs to them."""
    old = select(RECEIPTS.c.id).where(RECEIPTS.c.issue_time < before)
    await connection.execute(delete(SEALS).where(SEALS.c.receipt.in_(old)))
    await connection.execute(delete(CREDITS).where(CREDITS.c.receipt.in_(old)))
    await connection.execute(delete(RECEIPTS).where(RECEIPTS.c.issue_time < before))
    await meter_records.forget(connection, before)


async def _disguised(connection: AsyncConnection, receipt: Receipt) -> Receipt:
    if receipt.driver is None:
        return receipt
    year = receipt.issue_time.year
    query = select(PSEUDONYMS).where(PSEUDONYMS.c.user == receipt.driver, PSEUDONYMS.c.year == year)
    row = (await connection.execute(query)).first()
    if row is None:
        values = {
            "pseudonym": secrets.token_hex(16),
            "user": receipt.driver,
            "year": year,
            "key": secrets.token_bytes(32),
        }
        row = (await connection.execute(insert(PSEUDONYMS).values(values).returning(*PSEUDONYMS.c))).one()
    return replace(receipt, driver=row.pseudonym, identity=_ciphered(receipt.driver, row.key))


def _ciphered(user: str, key: bytes) -> str:
    nonce = secrets.token_bytes(_NONCE)
    return (nonce + AESGCM(key).encrypt(nonce, json.dumps({"user": user}).encode(), None)).hex()


def _deciphered(identity: str, key: bytes) -> str | None:
    if not identity:
        return None
    whole = bytes.fromhex(identity)
    return str(json.loads(AESGCM(key).decrypt(whole[:_NONCE], whole[_NONCE:], None))["user"])
