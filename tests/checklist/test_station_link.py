"""The station's end of the link: whom it speaks to, what it keeps while nobody listens, and what it lets in."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.ingest.check import inspect
from cloud.ingest.ports import StationBatch
from cloud.store.migrate import migrate
from edge.uplink.hints import LONGEST_GATHER_S, LONGEST_RECONNECT_S, LONGEST_VALID_S, Hints
from edge.uplink.self_report import reported
from edge.uplink.shipper import GATHER_S
from edge.uplink.timekeeping import JUMP_S, Timekeeper
from powerctl.core.clock import ManualClock
from powerctl.core.ids import SessionId
from powerctl.core.record import Lane, Record, SecurityEvent
from powerctl.runtime.backoff import full_jitter
from powerctl.runtime.clock_quality import Quality
from powerctl.runtime.mqtt import Message, MqttSettings
from powerctl.runtime.outbox import MAX_BYTES, Draft
from powerctl.runtime.pki import create_ca, issue
from powerctl.wire.batch import LinkHint, batch_from_wire, committed_to_wire, encode_record
from powerctl.wire.topics import Channel, topic
from tests.checklist.test_link import ST_1, Ship
from tests.contract.broker.test_broker import first_attempt
from tests.unit.cloud.stories import LEFT, NOON, RIGHT, began, live, over, plugged, reading, telemetry, unplugged
from tests.unit.cloud.world import World, world

LIVE = encode_record(Record(NOON, telemetry(live(LEFT, wh=1_000.0), live(RIGHT, session=None, kw=0))))


@pytest.fixture
def ship(tmp_path: Path) -> Iterator[Ship]:
    made = Ship(tmp_path)
    with contextlib.closing(made):
        yield made


def says(ship: Ship, sequences: list[int], hint: LinkHint | None = None) -> None:
    """The cloud has committed these."""
    data = committed_to_wire(ship.disk.epoch, sequences, send_time=ship.clock.utc(), hint=hint)
    ship.shipper.received(Message(topic(ST_1, Channel.COMMITTED), data, 1, 1))


class Impostor:
    """Answers for the broker, and notes what is said to it once TLS is up."""

    def __init__(self, certificate: Path, key: Path, ca: Path) -> None:
        self.heard = b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.load_verify_locations(ca)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._socket.accept()
                with contextlib.suppress(OSError), self._context.wrap_socket(peer, server_side=True) as protected:
                    protected.settimeout(5)
                    self.heard += protected.recv(1_000)

    def close(self) -> None:
        self._socket.close()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("authority", "host", "speaks"),
    [
        ("ours", "127.0.0.1", True),
        ("ours", "192.0.2.1", False),
        ("another", "127.0.0.1", False),
    ],
)
async def test_row_7_nothing_is_said_to_a_broker_that_does_not_prove_its_name(
    tmp_path: Path, authority: str, host: str, speaks: bool
) -> None:
    ours, another = create_ca(tmp_path / "ours", "ours"), create_ca(tmp_path / "another", "another")
    server = issue({"ours": ours, "another": another}[authority], "broker", server_names=[host])
    station = issue(ours, "ST-1", organisation="powerctl test", client=True)
    impostor = Impostor(server.certificate, server.key, ours.certificate_file)
    try:
        asked = MqttSettings(host="127.0.0.1", port=impostor.port, tls=station, reconnect_cap_s=0.2)
        assert await first_attempt(asked) == ("failed" if speaks else "untrusted")
    finally:
        impostor.close()
    assert (b"MQTT" in impostor.heard) is speaks


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(list(Channel)), st.binary(max_size=200)), max_size=8))
async def test_row_29_what_comes_down_corrupted_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, downs: list[tuple[Channel, bytes]]
) -> None:
    ship = Ship(tmp_path_factory.mktemp("down"))
    with contextlib.closing(ship):
        ship.outbox.append_all([Draft(Lane.BILLING, LIVE), Draft(Lane.TELEMETRY, LIVE)])
        ship.shipper.connected(False)
        for channel, data in downs:
            ship.shipper.received(Message(topic(ST_1, channel), data, 1, 1))
        await ship.shipper.turn()
        assert sum(ship.outbox.depth().values()) == 2
        assert ship.shipper.hints.gather_s(ship.clock.monotonic()) <= LONGEST_GATHER_S


async def test_row_29_a_word_for_what_was_never_sent_deletes_nothing(ship: Ship) -> None:
    ship.shipper.connected(False)
    ship.outbox.append_all([Draft(Lane.BILLING, LIVE)] * 5)
    says(ship, [1, 2, 3, 4, 5])
    await ship.shipper.turn()
    assert ship.outbox.depth()[Lane.BILLING] == 5


SESSIONS, HOURS = 72, 72


def _outage() -> Iterator[list[Draft]]:
    """A transaction in every hour, and live values every minute."""
    for hour in range(HOURS):
        session, first = SessionId(f"00000000-0000-4000-8000-{hour:012d}"), reading(1_000 * hour + 500, 60 * hour)
        bodies = [
            *plugged(session),
            began(1_000 * hour + 500, 60 * hour, session=session),
            over(first, reading(1_000 * hour + 1_200, 60 * hour + 50), session=session),
            *unplugged(session),
        ]
        yield [Draft(Lane.BILLING, encode_record(Record(NOON + timedelta(hours=hour), body))) for body in bodies]
        yield [Draft(Lane.TELEMETRY, LIVE)] * 60


async def deliver(ship: Ship, here: World, lost: random.Random) -> dict[int, int]:
    """Ship everything through a link that loses a tenth; how often each record came."""
    arrived: dict[int, int] = {}
    ship.shipper.connected(True)
    while sum(ship.outbox.depth().values()):
        ship.sent.clear()
        await ship.shipper.turn()
        for name, data in ship.sent:
            if lost.random() < 0.1:
                continue
            found = inspect(name, data)
            await here.store.commit([StationBatch(found.station, found.epoch, found.good)])
            for record in found.good:
                arrived[record.sequence] = arrived.get(record.sequence, 0) + 1
            if lost.random() < 0.9:
                says(ship, [record.sequence for record in found.good])
        ship.clock.advance(1.0)
    return arrived


async def test_row_30_after_72_hours_without_the_cloud_every_session_is_billed_once(ship: Ship, tmp_path: Path) -> None:
    ship.shipper.connected(False)
    billing = 0
    for drafts in _outage():
        ship.outbox.append_all(drafts)
        billing += sum(draft.lane is Lane.BILLING for draft in drafts)
        await ship.shipper.turn()
    assert ship.outbox.depth()[Lane.BILLING] == billing
    async with world(f"sqlite:///{tmp_path / 'cloud.db'}") as here:
        await migrate(here.store.database)
        arrived = await deliver(ship, here, random.Random(30))
        assert max(arrived.values()) > 1, "nothing was sent twice: the link lost nothing"
        receipts = await here.receipts()
        assert len({receipt.session for receipt in receipts}) == len(receipts) == SESSIONS
        assert {receipt.energy_wh for receipt in receipts} == {700}


def test_thirty_days_of_billing_and_seven_of_live_values_are_kept(ship: Ship) -> None:
    ship.shipper.connected(False)
    day_of_billing = [Draft(Lane.BILLING, LIVE)] * 6 * 40
    for _ in range(30):
        ship.outbox.append_all(day_of_billing)
    for _ in range(7 * 24):
        ship.outbox.append_all([Draft(Lane.TELEMETRY, LIVE)] * 360)
    assert ship.outbox.thinned == 0
    assert ship.outbox.size() < MAX_BYTES
    assert ship.outbox.depth() == {Lane.BILLING: 7_200, Lane.STATUS: 0, Lane.TELEMETRY: 60_480}
    first = ship.outbox.pending(limit=200)
    assert {entry.lane for entry in first} == {Lane.BILLING}


STATIONS = 10_000


def test_row_31_a_fleet_that_lost_its_broker_comes_back_spread_out_and_within_five_minutes() -> None:
    draw, back = random.Random(31), []
    for _ in range(STATIONS):
        at, attempt = 0.0, 0
        while True:
            at += full_jitter(attempt, cap_s=120.0, random=draw.random)
            if at >= 60:
                break
            attempt += 1
        back.append(at)
    per_second = [sum(second <= at < second + 1 for at in back) for second in range(60, 360)]
    assert max(per_second) < STATIONS * 0.03
    assert max(back) < 300


@pytest.mark.parametrize("attempt", [0, 3, 9])
def test_row_31_waits_are_uniform_by_kolmogorov_and_smirnov(attempt: int) -> None:
    draw, bound = random.Random(attempt), min(120.0, 2.0**attempt)
    waits = sorted(full_jitter(attempt, cap_s=120.0, random=draw.random) / bound for _ in range(STATIONS))
    distance = max(
        max(abs(wait - rank / STATIONS), abs(wait - (rank + 1) / STATIONS)) for rank, wait in enumerate(waits)
    )
    assert distance < 1.63 / STATIONS**0.5, "not uniform at the level of 1 %"


async def test_a_busy_cloud_slows_live_values_and_nothing_else(ship: Ship) -> None:
    ship.outbox.append_all([Draft(Lane.TELEMETRY, LIVE)])
    await ship.shipper.turn()
    says(ship, [1], LinkHint(gather_s=30, reconnect_within_s=120, valid_s=60))
    await ship.shipper.turn()
    ship.outbox.append_all([Draft(Lane.TELEMETRY, LIVE)])
    await ship.shipper.turn()
    before = len(ship.sent)
    ship.outbox.append_all([Draft(Lane.TELEMETRY, LIVE), Draft(Lane.TELEMETRY, LIVE), Draft(Lane.BILLING, LIVE)])
    ship.clock.advance(1)
    await ship.shipper.turn()
    assert [name for name, _ in ship.sent[before:]] == [topic(ST_1, Channel.EVENTS)]
    assert ship.shipper.hints.reconnect_within_s(ship.clock.monotonic()) == 120
    ship.clock.advance(30)
    await ship.shipper.turn()
    assert len(batch_from_wire(ship.sent[-1][1]).records) == 2
    ship.clock.advance(60)
    assert ship.shipper.hints.gather_s(ship.clock.monotonic()) == 0


def test_what_the_cloud_asks_is_obeyed_within_bounds() -> None:
    clock, hints = ManualClock(), Hints()
    hints.take(LinkHint(10**9, 10**9, 10**9), clock.monotonic())
    assert hints.gather_s(clock.monotonic()) == LONGEST_GATHER_S > GATHER_S
    assert hints.reconnect_within_s(clock.monotonic()) == LONGEST_RECONNECT_S
    clock.advance(LONGEST_VALID_S)
    assert hints.gather_s(clock.monotonic()) == hints.reconnect_within_s(clock.monotonic()) == 0


class Watch:
    """A timekeeper on a clock that is stepped."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.records: list[Record] = []
        self.behind: float | None = None
        self.keeper = Timekeeper(self.clock, self._append, lambda: 7.0, lambda: Quality.NTP, lambda: self.behind)

    async def _append(self, record: Record) -> None:
        self.records.append(record)

    async def passes(self, seconds: float, step_s: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.clock.step_utc(step_s)
        await self.keeper.look()


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
async def test_row_49_a_clock_that_is_stepped_is_told_once(step_s: float) -> None:
    watch = Watch()
    for _ in range(100):
        await watch.passes(5, step_s=JUMP_S / 10)
    assert not watch.records
    await watch.passes(5, step_s=step_s)
    await watch.passes(5)
    assert [record.body.code for record in watch.records if isinstance(record.body, SecurityEvent)] == ["time_jump"]
    assert watch.keeper.offset_s == 7.0
    watch.behind = -0.25
    assert watch.keeper.offset_s == 0.25


def test_row_60_an_edited_file_has_another_digest_and_no_secret_is_told(tmp_path: Path) -> None:
    config = tmp_path / "station.toml"
    config.write_text('[station]\nid = "ST-1"\n[uplink]\nsim_pin_file = "/x"\npassword = "hunter2"\n')
    before = reported(config)
    assert before.values == {"station.id": '"ST-1"'}
    config.write_text(config.read_text().replace("ST-1", "ST-2"))
    assert reported(config).config_digest != before.config_digest
    config.write_text(config.read_text().replace("ST-2", "ST-1") + "# a remark\n")
    assert reported(config) == before
