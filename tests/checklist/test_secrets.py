"""Row 48: what is secret in a request stands afterwards in no log line, no metric and no row of the database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from prometheus_client import REGISTRY, generate_latest

from cloud.api.method import Stream
from cloud.domain.policy import POLICY
from cloud.domain.principal import Principal
from tests.checklist.crowd import PEOPLE, Crowd
from tests.checklist.services import PUBLIC_SERVICES
from tests.contract.api.peers import Failed
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.stories import describes

CANARY: Final = "canary-cb1f-in-every-field"
SECRET: Final = frozenset({"token", "password", "new_password", "refresh_token", "one_time_code", "charging_token"})
"""Not `payment_method`: the provider's own id of a card or wallet opens nothing and is kept with the purchase."""


@pytest.fixture
async def api(files: SqliteFiles) -> AsyncIterator[Cloud]:
    async with cloud(await files.new(), paid=True) as running:
        await running.world.reports(describes())
        yield running


def laid(message: Any) -> Iterator[str]:
    """Put the canary into every secret field of `message`; gives their names."""
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated:
            continue
        if field.type == FieldDescriptor.TYPE_STRING and field.name in SECRET:
            setattr(message, field.name, CANARY)
            yield field.name
        elif field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.file.package == "powerctl.v1":
            yield from laid(getattr(message, field.name))


def filled(message: Any) -> Any:
    """`message` with something in the fields that must say something, so that the call gets further than the door."""
    for field in message.DESCRIPTOR.fields:
        if field.name in ("user", "user_id") and field.type == FieldDescriptor.TYPE_STRING:
            setattr(message, field.name, "anna")
        if field.name == "connector":
            setattr(message, field.name, "locations/demo-1/evses/1/connectors/1")
        if field.name == "request_id":
            setattr(message, field.name, "0b6e2a5c-6f0e-4c6b-9d0e-2f6a3a8f6d11")
    return message


def dump(api: Cloud) -> bytes:
    """Everything in the database's files."""
    file = Path(str(api.world.store.database.engine.url.database))
    return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))


async def test_row_48_secrets_of_requests_are_written_nowhere(
    api: Cloud, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    # Ours, at their most talkative; libraries' own debug lines keep drivers' objects alive in other threads.
    for ours in ("cloud", "powerctl"):
        caplog.set_level("DEBUG", logger=ours)
    crowd, met = Crowd(api), set[str]()
    strangers: list[Principal | None] = [None]
    for method in (method for service in PUBLIC_SERVICES for method in service.methods):
        path = f"/{method.containing_service.full_name}/{method.name}"
        if path not in api.methods or isinstance(api.methods[path], Stream):
            continue
        request = filled(GetMessageClass(method.input_type)())
        met.update(laid(request))
        for who in [PEOPLE[role] for role in sorted(POLICY[path])] or strangers:
            with contextlib.suppress(Failed):
                await crowd.ask(path.removeprefix("/powerctl.v1."), request, GetMessageClass(method.output_type), who)
    assert met == SECRET
    written = capfd.readouterr()
    assert CANARY not in written.out + written.err + caplog.text
    assert CANARY.encode() not in generate_latest(REGISTRY)
    assert CANARY.encode() not in dump(api)
