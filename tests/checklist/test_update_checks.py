"""A station looks for updates by itself, and its command does with them what it says."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.cli import main
from edge.update import bundle as bundles
from edge.update.checker import EVERY_S, SPREAD_S, Checker, Offer
from edge.update.settings import UpdateSettings
from edge.update.slots import Slots
from powerctl.core.clock import ManualClock
from powerctl.core.errors import RemoteError
from powerctl.core.record import Lane, SecurityEvent
from powerctl.runtime.outbox import Outbox
from powerctl.wire.batch import decode_record
from tests.checklist.vendor import Station, Vendor, flipped

DAY_S = 86_400.0


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    return Vendor(tmp_path / "vendor")


@pytest.fixture
def station(tmp_path: Path, vendor: Vendor) -> Station:
    (tmp_path / "slots").mkdir()
    made = Station(tmp_path / "slots")
    made.takes(vendor, 5)
    made.events.clear()
    return made


@dataclass
class Shop:
    """Where releases are on offer."""

    bundle: Path
    number: int
    asked: list[float] = field(default_factory=list)
    down: bool = False

    def checker(self, station: Station, vendor: Vendor, clock: ManualClock, events: list[str]) -> Checker:
        settings = UpdateSettings(root=station.root, keys=(vendor.public,), index="https://updates.example/index.json")

        def ask(_: UpdateSettings) -> Offer:
            self.asked.append(clock.monotonic())
            if self.down:
                raise RemoteError("does not answer")
            return Offer(self.number, "https://updates.example/6")

        def fetch(_: UpdateSettings, __: Offer, target: Path) -> None:
            shutil.copyfile(self.bundle, target)

        async def report(code: str, _: str) -> None:
            events.append(code)

        return Checker(settings, clock, report, ask, fetch, random=lambda: 0.999)


async def test_row_34_it_asks_at_start_and_at_least_once_a_day(station: Station, vendor: Vendor) -> None:
    clock, shop, events = ManualClock(), Shop(vendor.release(6), 6), list[str]()
    checker = shop.checker(station, vendor, clock, events)
    for _ in range(int(10 * DAY_S / 600)):
        await checker.step()
        clock.advance(600)
    waits = [after - before for before, after in zip(shop.asked, shop.asked[1:], strict=False)]
    assert shop.asked[0] == ManualClock().monotonic()
    assert max(waits) <= DAY_S
    assert min(waits) >= EVERY_S
    assert EVERY_S + SPREAD_S < DAY_S
    assert events == ["update_available"]
    assert bundles.verify(station.root / "incoming.bundle", [vendor.public]).number == 6
    assert station.runs() == 5


async def test_row_34_a_shop_that_does_not_answer_is_asked_within_the_hour(station: Station, vendor: Vendor) -> None:
    clock, shop = ManualClock(), Shop(vendor.release(6), 6, down=True)
    checker = shop.checker(station, vendor, clock, [])
    for _ in range(int(DAY_S / 30)):
        await checker.step()
        clock.advance(30)
    waits = [after - before for before, after in zip(shop.asked, shop.asked[1:], strict=False)]
    assert max(waits) <= 3_600 + 30
    assert len(shop.asked) < 40


async def test_row_34_what_is_not_signed_is_not_kept(station: Station, vendor: Vendor) -> None:
    shop, events = Shop(flipped(vendor.release(6), 600), 6), list[str]()
    await shop.checker(station, vendor, ManualClock(), events).step()
    assert events == ["update_rejected"]
    assert not (station.root / "incoming.bundle").exists()
    assert not (station.root / "incoming.part").exists()


def test_row_34_how_long_there_are_updates_is_published_once_and_repeated_as_it_is() -> None:
    root = Path(__file__).resolve().parents[2]
    period = re.compile(
        r"security updates are made for at least (\w+) years after a\s+station was delivered", re.IGNORECASE
    )
    setting = (root / "SECURITY.md").read_text()
    assert "This document sets the period" in setting
    repeating = (root / "docs" / "how-to" / "update-a-station.md").read_text()
    assert "../../SECURITY.md" in repeating
    assert period.findall(setting) == period.findall(repeating) == ["five"]


@pytest.fixture
def well() -> Iterator[str]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/healthz"
    server.shutdown()


_FILE = """
[station]
id = "ST-1"
display_name = "Test"
rating_w = 22000.0
state_dir = "{state}"

[[station.connector]]
id = 1
type = "chademo"
position = "left"
max_power_w = 22000.0
max_current_a = 60.0
max_voltage_v = 500.0
min_power_w = 500.0
fallback_w = 4000.0

[uplink.broker]
host = "127.0.0.1"

[uplink.broker.tls]
ca = "ca.pem"
certificate = "station.pem"
key = "station.key"

[uplink.update]
root = "{root}"
keys = ["{key}"]
health = ["{health}"]
healthy_s = 0.1
within_s = {within}
"""


def test_rows_32_and_33_by_the_command_with_its_events_in_the_outbox(
    tmp_path: Path, well: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, key, out = tmp_path / "tree", tmp_path / "release.key", tmp_path / "r.bundle"
    tree.mkdir()
    (tree / "VERSION").write_text("1\n")
    config = tmp_path / "station.toml"

    def station_with(health: str, within: float) -> None:
        places = {"state": tmp_path / "state", "root": tmp_path / "slots", "key": key.with_suffix(".pub")}
        config.write_text(_FILE.format(**places, health=health, within=within))

    def update(*arguments: object) -> int:
        return main(["update", *map(str, arguments)])

    (tmp_path / "slots").mkdir()
    station_with(well, 60)
    assert update("new-key", key) == 0
    for number in (1, 2):
        assert update("build", tree, "--out", out, "--key", key, "--release", f"1.{number}", "--number", number) == 0
        assert update("verify", out, "--key", key.with_suffix(".pub")) == 0
        assert update("install", out, "--config", config) == 0
        assert update("start", "--config", config) == 0
        assert update("commit", "--config", config) == 0
    assert update("install", out, "--config", config) == 1
    assert update("build", tree, "--out", out, "--key", key, "--release", "1.3", "--number", 3) == 0
    assert update("install", out, "--config", config) == 0
    station_with("http://127.0.0.1:1/healthz", 0.2)
    assert update("commit", "--config", config) == 1
    capsys.readouterr()
    assert update("status", "--config", config) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["good"], status["trial"]) == (status["current"], None)
    assert status["slots"][status["good"]]["release"] == 2
    assert update("commit", "--config", config) == 2
    outbox = Outbox(tmp_path / "state" / "outbox.sqlite")
    entries = outbox.pending(limit=100)
    outbox.close()
    bodies = [decode_record(entry.payload).body for entry in entries]
    assert {entry.lane for entry in entries} == {Lane.BILLING}
    assert [body.code for body in bodies if isinstance(body, SecurityEvent)] == [
        *["update_installed", "update_committed"] * 2,
        "update_rejected",
        "update_installed",
        "update_rolled_back",
    ]


def test_row_33_nothing_is_installed_while_a_vehicle_charges(tmp_path: Path, vendor: Vendor) -> None:
    config, journal = tmp_path / "station.toml", tmp_path / "state" / "edge" / "control.sqlite"
    config.write_text(
        _FILE.format(
            state=tmp_path / "state", root=tmp_path / "slots", key=vendor.public, health="http://127.0.0.1:1/", within=1
        )
    )
    journal.parent.mkdir(parents=True)
    database = sqlite3.connect(journal)
    database.execute("CREATE TABLE started (connector INTEGER)")
    database.execute("INSERT INTO started VALUES (1)")
    database.commit()
    database.close()
    (tmp_path / "slots").mkdir()
    assert main(["update", "install", str(vendor.release(1)), "--config", str(config)]) == 1
    assert Slots(tmp_path / "slots").current() is None
