"""A station renews its certificate in time, and no failure on the way costs it the old one."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edge.cli import main
from edge.uplink import identity as identity_module
from edge.uplink.identity import Identity, Issued, Pair, accepted, new_request
from edge.uplink.permits import keys_in
from edge.uplink.registry import Registry
from edge.uplink.renewal import ASK_AGAIN_S, TRIAL_S, Renewal, enrol
from powerctl.core.clock import ManualClock
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.ids import StationId
from powerctl.runtime.pki import Authority, create_ca, read_request, request, sign_client, write_private
from tests.checklist.crowd import Crowd
from tests.checklist.test_device_identity import revoke, token
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles

ST_1 = StationId("ST-1")
DAY_S = 86_400.0


@pytest.fixture
def signer(tmp_path: Path) -> Authority:
    return create_ca(tmp_path / "ca", "stations of a test")


def clock_of_today() -> ManualClock:
    return ManualClock(utc=datetime.now(UTC))


class Signs:
    """The cloud's end, in short."""

    def __init__(self, signer: Authority) -> None:
        self.signer = signer
        self.failing = False
        self.asked = 0

    def renew(self, present: Pair, asked: x509.CertificateSigningRequest) -> Issued:
        self.asked += 1
        if self.failing:
            raise RemoteError("does not answer")
        return Issued(signed(self.signer, asked))


def signed(signer: Authority, asked: x509.CertificateSigningRequest, name: str = ST_1) -> str:
    pem = asked.public_bytes(serialization.Encoding.PEM).decode()
    made = sign_client(signer, read_request(pem), name, organisation="Op", days=90)
    return made.public_bytes(serialization.Encoding.PEM).decode()


def new_pair(signer: Authority) -> Pair:
    key, asked = new_request(ST_1)
    return Pair(key, x509.load_pem_x509_certificate(signed(signer, asked).encode()))


@dataclass
class Station:
    """A renewal on a clock that moves when told."""

    folder: Path
    signer: Authority
    clock: ManualClock = field(default_factory=clock_of_today)
    reconnects: int = 0
    alarms: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.identity = Identity(self.folder)
        self.signs = Signs(self.signer)
        self.renewal = self.started()

    def started(self) -> Renewal:
        """The program after a start."""
        trusted = self.signer.certificate_file
        registry: Any = self.signs
        return Renewal(ST_1, self.identity, registry, trusted, self.clock, self._reconnect, self._alarm)

    def _reconnect(self) -> None:
        self.reconnects += 1

    async def _alarm(self, code: str, detail: str) -> None:
        self.alarms.append(code)

    def serial(self) -> int:
        pair = self.identity.load()
        assert pair is not None
        assert pair.certificate.public_key() == pair.key.public_key()
        return pair.certificate.serial_number

    async def days_pass(self, days: float) -> None:
        self.clock.advance(days * DAY_S)
        await self.renewal.step()


@pytest.fixture
def station(tmp_path: Path, signer: Authority) -> Station:
    made = Station(tmp_path / "identity", signer)
    made.identity.install(new_pair(signer))
    return made


async def test_row_9_it_is_renewed_before_a_third_of_its_life_is_left(station: Station) -> None:
    first = station.serial()
    await station.days_pass(50)
    assert station.signs.asked == 0
    await station.days_pass(9)
    assert station.signs.asked == 1
    assert station.serial() != first
    assert station.reconnects == 1
    station.renewal.connected(True)
    await station.renewal.step()
    assert not station.identity.on_trial
    assert len([path for path in station.folder.iterdir() if path.is_dir() and not path.is_symlink()]) == 1


async def test_row_9_a_certificate_that_the_broker_does_not_take_is_rolled_back(station: Station) -> None:
    first = station.serial()
    await station.days_pass(60)
    assert station.serial() != first
    station.clock.advance(TRIAL_S - 1)
    await station.renewal.step()
    assert station.identity.on_trial
    station.clock.advance(1)
    await station.renewal.step()
    assert station.serial() == first
    assert station.reconnects == 2
    assert station.alarms == ["certificate_rolled_back"]
    await station.renewal.step()
    assert station.signs.asked == 1
    station.clock.advance(ASK_AGAIN_S)
    await station.renewal.step()
    assert station.signs.asked == 2


async def test_row_9_a_cloud_that_does_not_answer_is_asked_again_later(station: Station) -> None:
    first, station.signs.failing = station.serial(), True
    await station.days_pass(60)
    await station.renewal.step()
    assert (station.signs.asked, station.serial()) == (1, first)
    station.signs.failing = False
    station.clock.advance(ASK_AGAIN_S)
    await station.renewal.step()
    assert station.serial() != first


class PowerLoss(BaseException):
    """The process ends here."""


def _steps(count: int, real: Callable[..., Any]) -> Callable[..., Any]:
    left = [count]

    def step(*arguments: Any, **more: Any) -> Any:
        if left[0] == 0:
            raise PowerLoss
        left[0] -= 1
        return real(*arguments, **more)

    return step


@pytest.mark.parametrize("broker_takes_the_new_one", [True, False])
@pytest.mark.parametrize("survived", range(8))
async def test_row_9_power_lost_at_any_point_leaves_one_of_the_two_in_use(
    station: Station, monkeypatch: pytest.MonkeyPatch, survived: int, broker_takes_the_new_one: bool
) -> None:
    first = station.serial()
    station.clock.advance(60 * DAY_S)
    with monkeypatch.context() as patched:
        patched.setattr("edge.uplink.identity.os.replace", _steps(survived // 2, os.replace))
        patched.setattr("edge.uplink.identity.write_private", _steps(survived, write_private))
        with contextlib.suppress(PowerLoss):
            await station.renewal.step()
    assert station.serial()
    station.renewal = station.started()
    await station.renewal.step()
    assert station.identity.on_trial
    station.renewal.connected(broker_takes_the_new_one)
    station.clock.advance(TRIAL_S)
    await station.renewal.step()
    assert not Identity(station.folder).on_trial
    assert (station.serial() != first) == broker_takes_the_new_one


@pytest.mark.parametrize("wrong", ["other key", "other station", "other authority", "expired", "no certificate"])
def test_row_9_what_is_not_the_next_certificate_is_refused(signer: Authority, tmp_path: Path, wrong: str) -> None:
    key, asked = new_request(ST_1)
    now = datetime.now(UTC) + timedelta(days=91 if wrong == "expired" else 0)
    signing = create_ca(tmp_path / "other", "other") if wrong == "other authority" else signer
    if wrong == "other key":
        _, asked = new_request(ST_1)
    elif wrong == "other station":
        asked = request(key, "ST-2")
    pem = "" if wrong == "no certificate" else signed(signing, asked, "ST-2" if wrong == "other station" else ST_1)
    with pytest.raises(RemoteError):
        accepted(Issued(pem), key, ST_1, [signer.certificate], now)


# Against the cloud's own API


@pytest.fixture
async def api(files: SqliteFiles, signer: Authority) -> AsyncIterator[Cloud]:
    async with cloud(await files.new(), signer=signer) as running:
        running.world.clock.step_utc((datetime.now(UTC) - running.world.clock.utc()).total_seconds())
        yield running


CONFIG = """
[station]
id = "ST-1"
display_name = "Test"
rating_w = 22000.0
state_dir = "{folder}"
[[station.connector]]
id = 1
type = "chademo"
position = "left"
max_power_w = 22000.0
max_current_a = 60.0
max_voltage_v = 500.0
min_power_w = 500.0
fallback_w = 4000.0
[uplink.identity]
url = "{url}"
folder = "{folder}/identity"
[uplink.broker]
host = "127.0.0.1"
[uplink.broker.tls]
ca = "{ca}"
certificate = "{folder}/identity/current/station.pem"
key = "{folder}/identity/current/station.key"
"""


async def test_row_9_a_station_enrols_by_command_and_renews_with_the_real_cloud(
    api: Cloud, signer: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    crowd, file = Crowd(api), tmp_path / "station.toml"
    file.write_text(CONFIG.format(folder=tmp_path, url=api.web, ca=signer.certificate_file))
    monkeypatch.setattr("sys.stdin", io.StringIO(await token(crowd) + "\n"))
    assert await asyncio.to_thread(main, ["enrol", "--config", str(file)]) == 0
    assert "good until" in capsys.readouterr().out
    made = Identity(tmp_path / "identity")
    first = made.load()
    assert first is not None
    clock = ManualClock(utc=first.certificate.not_valid_after_utc - timedelta(days=30))
    renewal = Renewal(ST_1, made, Registry(api.web, None), signer.certificate_file, clock, lambda: None, no_alarm)
    clock.step_utc(-(clock.utc() - datetime.now(UTC)).total_seconds())
    monkeypatch.setattr(identity_module, "RENEW_LEFT", 1.1)
    await renewal.step()
    second = made.load()
    assert second is not None
    assert second.certificate.serial_number != first.certificate.serial_number
    assert keys_in([], tmp_path / "identity" / "current" / "permit.pem")
    assert (first.permit_key, second.permit_key) == (second.permit_key, api.tokens.permit_key)
    assert await revoke(crowd) == 2


async def no_alarm(code: str, detail: str) -> None:
    raise AssertionError(code)


async def test_row_9_an_enrolment_without_a_good_token_says_what_to_do(
    api: Cloud, signer: Authority, tmp_path: Path
) -> None:
    store, registry = Identity(tmp_path / "identity"), Registry(api.web, None)
    with pytest.raises(ConfigError, match="Ask for a new token"):
        await asyncio.to_thread(enrol, ST_1, store, registry, signer.certificate_file, "no token", clock_of_today())
    assert store.load() is None


def test_row_37_the_key_is_for_its_owner_only(station: Station) -> None:
    key = station.folder / "current" / "station.key"
    assert key.stat().st_mode & 0o077 == 0
