"""Who did what is written down once, cannot be changed unnoticed, and without room for it nothing is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloud.api.audit import anchor, verify
from cloud.domain.policy import mutates
from cloud.domain.principal import Principal, Role
from cloud.ingest.ports import StoreUnavailable
from cloud.store import audit
from powerctl.v1 import audit_pb2, identity_pb2, session_pb2, user_pb2
from tests.checklist.crowd import ADMIN, PEOPLE, Crowd
from tests.checklist.services import PUBLIC_SERVICES
from tests.contract.api.peers import Failed
from tests.unit.cloud.api_world import Cloud, random_id
from tests.unit.cloud.stories import OPAL, STATION, plugged

MUTATING = [
    (f"{service.name}/{method.name}", GetMessageClass(method.input_type), GetMessageClass(method.output_type))
    for service in PUBLIC_SERVICES
    for method in service.methods
    if mutates(f"/{service.full_name}/{method.name}")
]


@pytest.fixture
def crowd(api: Cloud) -> Crowd:
    return Crowd(api)


async def entries(crowd: Crowd) -> list[Any]:
    async with crowd.api.world.store.database.read() as connection:
        found, _ = await audit.page(connection, before=None, size=100)
    return found


@pytest.mark.parametrize(("method", "request_type", "response"), MUTATING, ids=[row[0] for row in MUTATING])
async def test_row_44_every_call_that_may_change_something_is_written_down_once(
    crowd: Crowd, method: str, request_type: Any, response: Any
) -> None:
    if f"/powerctl.v1.{method}" not in crowd.api.methods:
        pytest.skip("served only where it is configured")
    for who in (ADMIN, PEOPLE[Role.UTILITY]):
        before = len(await entries(crowd))
        try:
            await crowd.ask(method, request_type(), response, who)
            result = "ok"
        except Failed as failed:
            result = failed.code
        (new,) = (await entries(crowd))[: len(await entries(crowd)) - before]
        assert (new.user, new.method, new.result) == (who.user, f"/powerctl.v1.{method}", result)
        assert new.peer == "127.0.0.1"


async def test_row_44_what_was_done_is_in_the_log_with_its_resource(crowd: Crowd) -> None:
    await crowd.api.world.starts()
    await crowd.api.world.reports(*plugged())
    name = f"locations/{STATION}/evses/1/connectors/1"
    request = session_pb2.StartSessionRequest(connector=name, request_id=random_id())
    await crowd.ask("SessionService/StartSession", request, session_pb2.Session, OPAL)
    (entry,) = await entries(crowd)
    assert (entry.user, entry.resource, entry.result) == (OPAL.user, name, "ok")


async def test_row_44_a_failed_sign_in_is_written_without_the_password(crowd: Crowd) -> None:
    with pytest.raises(Failed):
        await crowd.sign_in("anna", "the secret of anna")
    (entry,) = await entries(crowd)
    assert (entry.user, entry.resource, entry.result) == ("", "anna", "unauthenticated")
    async with crowd.api.world.store.database.read() as connection:
        assert not [line async for line in audit.lines(connection) if b"the secret" in line]


async def made(crowd: Crowd, count: int = 4) -> None:
    for number in range(count):
        await crowd.create(f"user-{number}", identity_pb2.ROLE_DRIVER)


@asynccontextmanager
async def unguarded(crowd: Crowd) -> AsyncIterator[Any]:
    """Somebody with every right on the database."""
    async with crowd.api.world.store.database.write() as connection:
        for trigger in ("audit_no_update", "audit_no_delete"):
            await connection.execute(text(f"DROP TRIGGER {trigger}"))
        yield connection


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE audit SET line = CAST(replace(line, 'the-admin', 'the-other') AS BLOB) WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 2", 3),
        (
            "UPDATE audit SET number = 99 WHERE number = 2;"
            "UPDATE audit SET number = 2 WHERE number = 3;"
            "UPDATE audit SET number = 3 WHERE number = 99",
            3,
        ),
    ],
    ids=["flip", "delete", "reorder"],
)
async def test_row_45_the_verifier_names_the_entry_that_was_touched(crowd: Crowd, tampering: str, broken: int) -> None:
    await made(crowd)
    store, tokens = crowd.api.world.store, crowd.api.tokens
    assert (await verify(store, tokens)).broken_entry == 0
    async with unguarded(crowd) as connection:
        for statement in tampering.split(";"):
            await connection.execute(text(statement))
    assert (await verify(store, tokens)).broken_entry == broken


async def test_row_45_a_chain_that_was_written_anew_does_not_match_what_was_signed(crowd: Crowd) -> None:
    await made(crowd)
    store, tokens = crowd.api.world.store, crowd.api.tokens
    assert await anchor(store, tokens)
    assert not await anchor(store, tokens)
    async with unguarded(crowd) as connection:
        await connection.execute(text("DELETE FROM audit"))
    await made_again(crowd)
    finding = await verify(store, tokens)
    assert (finding.entries, finding.broken_entry) == (4, 4)
    assert "signed" in finding.why


async def made_again(crowd: Crowd) -> None:
    for number in range(4, 8):
        await crowd.create(f"user-{number}", identity_pb2.ROLE_DRIVER)


@pytest.mark.parametrize("statement", ["UPDATE audit SET line = line", "DELETE FROM audit"])
async def test_row_45_the_database_refuses_to_change_the_log(crowd: Crowd, statement: str) -> None:
    await made(crowd, 1)
    with pytest.raises(DBAPIError, match="only grows"):
        async with crowd.api.world.store.database.write() as connection:
            await connection.execute(text(statement))


async def test_row_45_auditors_verify_and_read_page_by_page(crowd: Crowd) -> None:
    await made(crowd)
    auditor = PEOPLE[Role.AUDITOR]
    verdict = await crowd.ask(
        "AuditService/VerifyAuditLog", audit_pb2.VerifyAuditLogRequest(), audit_pb2.VerifyAuditLogResponse, auditor
    )
    assert (verdict.entries, verdict.broken_entry) == (4, 0)
    request = audit_pb2.ListAuditEntriesRequest(page_size=3)
    first = await crowd.ask("AuditService/ListAuditEntries", request, audit_pb2.ListAuditEntriesResponse, auditor)
    request.page_token = first.next_page_token
    rest = await crowd.ask("AuditService/ListAuditEntries", request, audit_pb2.ListAuditEntriesResponse, auditor)
    names = [one.name for one in (*first.audit_entries, *rest.audit_entries)]
    assert names == [f"auditEntries/{number}" for number in (4, 3, 2, 1)]


async def test_row_46_without_room_for_the_entry_nothing_is_done(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(audit, "append", full)
    with pytest.raises(Failed, match="unavailable"):
        await crowd.create("anna", identity_pb2.ROLE_DRIVER)
    monkeypatch.undo()
    with pytest.raises(Failed, match="not_found"):
        await crowd.ask("UserService/GetUser", user_pb2.GetUserRequest(name="users/anna"), user_pb2.User, ADMIN)


def test_a_name_that_does_not_say_that_it_reads_counts_as_writing() -> None:
    assert mutates("/powerctl.v1.SessionService/DeleteSession")
    assert not mutates("/powerctl.v1.SessionService/GetSession")


def test_the_crowd_has_every_role() -> None:
    assert {one.role for one in PEOPLE.values()} == set(Role)
    assert isinstance(ADMIN, Principal)
