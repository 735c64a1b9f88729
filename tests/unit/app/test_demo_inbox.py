"""The demo's mail server takes what the cloud sends, and shows each driver theirs."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.api.call import Access, Call
from cloud.api.demo import DemoService
from cloud.notify.mail import Mailer
from cloud.store import notices
from cloud.store.notices import Wishes
from powerctl.app.demo.inbox import LARGEST, SHOWN, Inbox
from powerctl.v1 import demo_pb2 as pb
from tests.unit.app.test_demo_director import directed
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import ANNA
from tests.unit.cloud.world import world

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CALL = Call(Access(ANNA, "s", NOON, NOON + HOUR, NOON))


@pytest.fixture
def files(tmp_path: Path) -> SqliteFiles:
    return SqliteFiles(tmp_path)


@pytest.fixture
async def mailer() -> AsyncIterator[tuple[Inbox, Mailer]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    inbox = Inbox()
    async with inbox.serving(port):
        yield inbox, Mailer("127.0.0.1", port, "charging@demo.example", encrypt=False)


async def test_a_driver_sees_the_mails_that_were_sent_to_them(
    tmp_path: Path, files: SqliteFiles, mailer: tuple[Inbox, Mailer]
) -> None:
    inbox, by_smtp = mailer
    await by_smtp.send("Anna@demo.example", "Your charging session", "Charging is slower now.")
    await by_smtp.send("anna@demo.example", "Your charging session", "Ladattu: 2,5 kWh – kiitos.")
    await by_smtp.send("ben@demo.example", "Your charging session", "Not Anna's.")
    async with (
        world(await files.new()) as here,
        directed(tmp_path, inbox=inbox, store=here.store) as (_, service),
    ):
        assert not (await service.list_mails(pb.ListMailsRequest(), CALL)).mails
        async with here.store.write() as writing:
            await notices.wish(writing.connection, ANNA.user, Wishes(email="anna@demo.example"))
        mails = (await service.list_mails(pb.ListMailsRequest(), CALL)).mails
        assert [mail.text for mail in mails] == ["Ladattu: 2,5 kWh – kiitos.", "Charging is slower now."]
        assert mails[0].receive_time.ToDatetime() >= mails[1].receive_time.ToDatetime()
        assert not (await DemoService(None, here.store).list_mails(pb.ListMailsRequest(), CALL)).mails


async def test_the_newest_are_shown_and_a_giant_is_refused(mailer: tuple[Inbox, Mailer]) -> None:
    inbox, by_smtp = mailer
    for number in range(SHOWN + 2):
        await by_smtp.send("anna@demo.example", f"{number}", "x")
    assert [mail.subject for mail in inbox.of("anna@demo.example")][:2] == [str(SHOWN + 1), str(SHOWN)]
    assert len(inbox.of("anna@demo.example")) == SHOWN

    def giant() -> None:
        with smtplib.SMTP(by_smtp.host, by_smtp.port, timeout=30) as server:
            server.sendmail("a@demo.example", "anna@demo.example", "x" * (LARGEST + 1))

    with pytest.raises(smtplib.SMTPException):
        await asyncio.to_thread(giant)
