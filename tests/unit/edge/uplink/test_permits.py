"""A station starts what the back end has signed for it, and nothing else that a broker may bring."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from edge.uplink.disk import Disk
from edge.uplink.permits import (
    ELSEWHERE,
    FORGED,
    NONE,
    NOT_PERMITTED,
    OTHER_CONNECTOR,
    OTHER_SESSION,
    OVER,
    USED,
    PermitGate,
    keys_in,
)
from edge.uplink.shipper import Shipper
from powerctl.core.clock import ManualClock
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.ids import ConnectorId, SessionId, StationId
from powerctl.core.order import StartCharging, StationCommand, StopCharging
from powerctl.core.record import CommandOutcome, CommandResult, SecurityEvent
from powerctl.core.session import StopReason
from powerctl.runtime.mqtt import Message
from powerctl.runtime.outbox import CommandBox
from powerctl.runtime.permit import permit_from_wire, permit_key_to_wire, permit_of, permit_to_wire
from powerctl.wire.batch import decode_record, encode_command
from powerctl.wire.topics import Channel, topic

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
STATION = StationId("ST-1")
OURS, STRANGERS = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
START = StartCharging(SessionId("s-1"), ConnectorId(1))
PLAIN = StationCommand("c-1", NOON + timedelta(seconds=30), START)


def permitted(
    command: StationCommand = PLAIN,
    start: StartCharging = START,
    station: StationId = STATION,
    key: ec.EllipticCurvePrivateKey = OURS,
) -> StationCommand:
    """`command` with a permit for `start` at `station`."""
    return replace(command, action=replace(START, permit=permit_to_wire(permit_of(station, command, start), key)))


def with_permit_of(other: StationCommand, command: StationCommand = PLAIN) -> StationCommand:
    return replace(command, action=other.action)


def gate(keys: Sequence[ec.EllipticCurvePrivateKey] = (OURS,), now: datetime = NOON) -> PermitGate:
    return PermitGate(STATION, lambda: [key.public_key() for key in keys], ManualClock(utc=now))


def other_token(**changes: object) -> StationCommand:
    """A token by the right key that is no permit, or one with other claims."""
    claims = {
        "iss": "powerctl-cloud",
        "aud": "charge",
        "sub": "ST-1",
        "jti": "c-1",
        "sid": "s-1",
        "connector": 1,
        "exp": int(PLAIN.expire_time.timestamp()),
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return replace(PLAIN, action=replace(START, permit=jwt.encode(claims, OURS, algorithm="ES256")))


def signed_by_secret() -> StationCommand:
    """The public key, which is no secret, used as one: RFC 8725, 2.1."""
    good = permitted().action
    assert isinstance(good, StartCharging)
    secret = permit_key_to_wire(OURS.public_key()).encode()
    content = (
        base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
        + b"."
        + good.permit.split(".")[1].encode()
    )
    signature = base64.urlsafe_b64encode(hmac.digest(secret, content, "sha256")).rstrip(b"=")
    return replace(PLAIN, action=replace(START, permit=(content + b"." + signature).decode()))


FORGERIES = {
    "none": (PLAIN, NONE),
    "another key": (permitted(key=STRANGERS), FORGED),
    "rubbish": (replace(PLAIN, action=replace(START, permit="a.b.c")), FORGED),
    "an access token of the same key": (other_token(aud="access"), FORGED),
    "another issuer": (other_token(iss="somebody"), FORGED),
    "no end": (other_token(exp=None), FORGED),
    "an end that is no number": (other_token(exp="later"), FORGED),
    "an end beyond the calendar": (other_token(exp=10**15), FORGED),
    "a connector in words": (other_token(connector="1"), FORGED),
    "no connector": (other_token(connector=None), FORGED),
    "no session": (other_token(sid=""), FORGED),
    "the public key as a secret": (signed_by_secret(), FORGED),
    "another station": (permitted(station=StationId("ST-2")), ELSEWHERE),
    "another connector": (permitted(start=replace(START, connector=ConnectorId(2))), OTHER_CONNECTOR),
    "another session": (permitted(start=replace(START, session=SessionId("s-0"))), OTHER_SESSION),
    "another command": (with_permit_of(permitted(replace(PLAIN, command_id="c-0"))), USED),
    "a life that somebody has lengthened": (
        with_permit_of(permitted(replace(PLAIN, expire_time=NOON))),
        OVER,
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_start_that_the_back_end_did_not_sign_for_us_is_refused_with_a_sentence(name: str) -> None:
    command, sentence = FORGERIES[name]
    assert gate()(command) == sentence


def test_what_the_back_end_has_signed_is_believed() -> None:
    assert gate()(permitted()) is None


def test_a_permit_counts_as_long_as_its_command() -> None:
    fraction = replace(PLAIN, expire_time=PLAIN.expire_time + timedelta(milliseconds=700))
    last = fraction.expire_time - timedelta(microseconds=1)
    assert gate(now=last)(permitted(fraction)) is None


def test_whatever_the_clock_says_a_permit_starts_only_what_it_was_made_for() -> None:
    late_clock = gate(now=NOON - timedelta(days=300))
    assert late_clock(permitted()) is None
    assert late_clock(with_permit_of(permitted(start=replace(START, session=SessionId("s-0"))))) == OTHER_SESSION


def test_a_late_start_is_the_controllers_to_refuse() -> None:
    assert gate(now=PLAIN.expire_time)(PLAIN) is None


def test_only_starts_need_a_permit() -> None:
    stop = StationCommand("c-2", PLAIN.expire_time, StopCharging(START.session, START.connector, StopReason.DRIVER))
    assert gate()(stop) is None


def test_with_two_keys_either_signs_and_without_any_nobody_needs_to() -> None:
    both = gate((STRANGERS, OURS))
    assert (both(permitted()), both(permitted(key=STRANGERS))) == (None, None)
    assert gate(())(PLAIN) is None


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True),
    st.integers(1, 64),
    st.floats(1.6e9, 4e9),
)
def test_a_permit_survives_the_wire(name: str, connector: int, seconds: float) -> None:
    end = datetime.fromtimestamp(seconds, UTC)
    start = StartCharging(SessionId(name), ConnectorId(connector))
    permit = permit_of(STATION, StationCommand(name, end, start), start)
    assert permit_from_wire(permit_to_wire(permit, OURS), [OURS.public_key()]) == permit
    assert timedelta(0) <= permit.expire_time - end < timedelta(seconds=1)
    with pytest.raises(RemoteError):
        permit_from_wire(permit_to_wire(permit, STRANGERS), [OURS.public_key()])


# The files


def test_keys_come_from_the_installer_and_with_the_certificate(tmp_path: Path) -> None:
    named, enrolled = tmp_path / "named.pem", tmp_path / "enrolled.pem"
    named.write_text(permit_key_to_wire(OURS.public_key()) + permit_key_to_wire(STRANGERS.public_key()))
    assert keys_in([named], enrolled) == [OURS.public_key(), STRANGERS.public_key()]
    enrolled.write_text(permit_key_to_wire(STRANGERS.public_key()))
    assert keys_in([], enrolled) == [STRANGERS.public_key()]


@pytest.mark.parametrize("content", [None, "", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_a_file_without_a_key_is_the_installers(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "named.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="permit-key"):
        keys_in([path], None)


# On the way to the controller


def delivered(folder: Path) -> tuple[Callable[[StationCommand], None], Shipper, Disk, ManualClock]:
    """What the broker says to a station, again after a restart on the same folder."""
    clock = ManualClock(utc=NOON)
    disk = Disk(folder / "outbox.sqlite")
    shipper = Shipper(STATION, disk, clock, gate=PermitGate(STATION, lambda: [OURS.public_key()], clock))

    def bring(command: StationCommand) -> None:
        shipper.received(Message(topic(STATION, Channel.COMMANDS), encode_command(command), 1, 1))

    return bring, shipper, disk, clock


def taken(folder: Path) -> list[str]:
    """The commands that the controller takes now."""
    box = CommandBox(folder / "outbox.sqlite")
    try:
        return [entry.command_id for entry in box.take()]
    finally:
        box.close()


async def test_a_permit_is_used_once_also_across_restarts(tmp_path: Path) -> None:
    bring, shipper, disk, _ = delivered(tmp_path)
    bring(permitted())
    await shipper.turn()
    assert taken(tmp_path) == ["c-1"]
    disk.close()
    bring, shipper, disk, _ = delivered(tmp_path)
    bring(permitted())
    bring(with_permit_of(permitted(), replace(PLAIN, command_id="c-2")))
    await shipper.turn()
    disk.close()
    assert taken(tmp_path) == []


async def test_a_forged_start_is_answered_with_an_alarm_and_a_flood_of_them_does_not_fill_the_disk(
    tmp_path: Path,
) -> None:
    bring, shipper, disk, clock = delivered(tmp_path)
    for number in range(50):
        bring(replace(PLAIN, command_id=f"forged-{number}"))
    await shipper.turn()
    bodies = [decode_record(entry.payload).body for entry in await disk.pending(99, ())]
    answer, alarm = bodies
    assert answer == CommandResult("forged-0", CommandOutcome.REJECTED, NONE)
    assert isinstance(alarm, SecurityEvent)
    assert (alarm.code, "forged-0" in alarm.detail) == (NOT_PERMITTED, True)
    clock.advance(1.0)
    bring(PLAIN)
    await shipper.turn()
    assert len(await disk.pending(99, ())) == 4
    disk.close()
    assert taken(tmp_path) == []
