"""A station is who its certificate says, from its enrolment to the revocation of its certificate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.ca.broker_files import _SETTLE_S, LOOK_EVERY_S, BrokerFiles
from cloud.ca.settings import CaSettings
from cloud.ca.takeover import WITHIN_S, take_over
from powerctl.app.broker import INGEST_NAME, Access, BrokerName, Place, find, prepare, subject
from powerctl.core.errors import ConfigError
from powerctl.runtime.mqtt import MqttLink, MqttSettings, Terms
from powerctl.runtime.pki import Authority, create_ca, issue, request, write_private
from powerctl.runtime.settings import TlsFiles
from powerctl.v1 import station_identity_pb2 as pb
from tests.broker import free_port
from tests.checklist.broker_log import NO_DOOR, written
from tests.checklist.crowd import ADMIN, Crowd
from tests.contract.api.peers import Failed
from tests.unit.cloud.api_world import Cloud, cloud
from tests.unit.cloud.databases import SqliteFiles

ST_1 = "locations/ST-1"
Key = ec.EllipticCurvePrivateKey


@pytest.fixture
def signer(tmp_path: Path) -> Authority:
    return create_ca(tmp_path / "ca", "stations of a test")


@pytest.fixture
async def api(files: SqliteFiles, signer: Authority) -> AsyncIterator[Cloud]:
    async with cloud(await files.new(), signer=signer) as running:
        yield running


@pytest.fixture
def crowd(api: Cloud) -> Crowd:
    return Crowd(api)


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def pem(asked: x509.CertificateSigningRequest) -> str:
    return asked.public_bytes(serialization.Encoding.PEM).decode()


async def token(crowd: Crowd, location: str = ST_1) -> str:
    asked = pb.CreateEnrolmentTokenRequest(location=location)
    method = "StationIdentityService/CreateEnrolmentToken"
    return (await crowd.ask(method, asked, pb.CreateEnrolmentTokenResponse, ADMIN)).token


async def enrol(crowd: Crowd, secret: str, asked: str) -> x509.Certificate:
    enrolment = pb.EnrolStationRequest(token=secret, certificate_request=asked)
    answer = await crowd.ask("StationIdentityService/EnrolStation", enrolment, pb.StationCertificate)
    return x509.load_pem_x509_certificate(answer.certificate.encode())


async def enrolled(crowd: Crowd, key: Key, location: str = ST_1) -> x509.Certificate:
    return await enrol(crowd, await token(crowd, location), pem(request(key, location.partition("/")[2])))


def public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def text(name: x509.Name, oid: x509.ObjectIdentifier) -> list[object]:
    return [one.value for one in name.get_attributes_for_oid(oid)]


async def test_row_1_fifty_stations_have_fifty_identities_of_the_right_form(crowd: Crowd, signer: Authority) -> None:
    made = [await enrolled(crowd, new_key(), f"locations/ST-{number}") for number in range(50)]
    assert len({public(one) for one in made}) == 50
    for number, one in enumerate(made):
        assert text(one.subject, NameOID.COMMON_NAME) == [f"ST-{number}"]
        assert text(one.subject, NameOID.ORGANIZATION_NAME) == ["Demo operator"]
        usage = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        assert timedelta(days=89) < one.not_valid_after_utc - one.not_valid_before_utc < timedelta(days=91)
        one.verify_directly_issued_by(signer.certificate)


async def test_row_8_of_a_request_only_its_key_counts(crowd: Crowd) -> None:
    key = new_key()
    wishes = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Someone else")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("broker.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = await enrol(crowd, await token(crowd), pem(wishes))
    assert text(made.subject, NameOID.COMMON_NAME) == ["ST-1"]
    assert text(made.subject, NameOID.ORGANIZATION_NAME) == ["Demo operator"]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def _two_names() -> str:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("ST-1", "ST-2")]
    return pem(x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names)).sign(new_key(), hashes.SHA256()))


def _rsa() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return pem(x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256()))


def _unsigned() -> str:
    good = bytearray(request(new_key(), "ST-1").public_bytes(serialization.Encoding.DER))
    good[-1] ^= 1
    try:
        return pem(x509.load_der_x509_csr(bytes(good)))
    except ValueError:
        return "damaged"


@pytest.mark.parametrize(
    "asked",
    [
        pem(request(new_key(), "ST-2")),
        pem(request(new_key(), INGEST_NAME)),
        _two_names(),
        _rsa(),
        pem(request(ec.generate_private_key(ec.SECP384R1()), "ST-1")),
        _unsigned(),
        "",
        "x" * 10_000,
    ],
    ids=["other-station", "the-cloud", "two-names", "rsa", "p384", "unsigned", "empty", "huge"],
)
async def test_row_8_other_requests_are_refused_and_leave_the_token_good(crowd: Crowd, asked: str) -> None:
    secret = await token(crowd)
    with pytest.raises(Failed, match="invalid_argument"):
        await enrol(crowd, secret, asked)
    assert await enrol(crowd, secret, pem(request(new_key(), "ST-1")))


async def test_row_8_a_token_enrols_one_station_once_within_its_life(crowd: Crowd) -> None:
    secret = await token(crowd)
    await enrol(crowd, secret, pem(request(new_key(), "ST-1")))
    with pytest.raises(Failed, match="used"):
        await enrol(crowd, secret, pem(request(new_key(), "ST-1")))
    late = await token(crowd)
    crowd.api.world.clock.advance(7 * 86_400)
    with pytest.raises(Failed, match="unauthenticated"):
        await enrol(crowd, late, pem(request(new_key(), "ST-1")))


async def renew(
    crowd: Crowd, certificate: x509.Certificate, signing: Key, asked: x509.CertificateSigningRequest
) -> None:
    signature = signing.sign(asked.public_bytes(serialization.Encoding.DER), ec.ECDSA(hashes.SHA256()))
    renewal = pb.RenewStationCertificateRequest(
        certificate_request=pem(asked),
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        signature=signature,
    )
    await crowd.ask("StationIdentityService/RenewStationCertificate", renewal, pb.StationCertificate)


async def revoke(crowd: Crowd) -> int:
    asked = pb.RevokeStationCertificatesRequest(location=ST_1, reason="stolen")
    method = "StationIdentityService/RevokeStationCertificates"
    return (await crowd.ask(method, asked, pb.RevokeStationCertificatesResponse, ADMIN)).revoked


async def test_row_9_only_the_holder_of_a_valid_certificate_renews_it(crowd: Crowd, signer: Authority) -> None:
    crowd.api.world.clock.step_utc((crowd_now() - crowd.api.world.clock.utc()).total_seconds())
    key, thief = new_key(), new_key()
    certificate = await enrolled(crowd, key)
    fresh = request(new_key(), "ST-1")
    await renew(crowd, certificate, key, fresh)
    with pytest.raises(Failed, match="Enrol the station anew"):
        await renew(crowd, certificate, thief, fresh)
    with pytest.raises(Failed, match="a new key"):
        await renew(crowd, certificate, key, request(key, "ST-1"))
    with pytest.raises(Failed, match="another name"):
        await renew(crowd, certificate, key, request(new_key(), "ST-2"))
    foreign = issue(create_ca(signer.folder / "other", "other"), "ST-1", client=True)
    with pytest.raises(Failed, match="Enrol the station anew"):
        await renew(crowd, x509.load_pem_x509_certificate(foreign.certificate.read_bytes()), key, fresh)
    assert await revoke(crowd) == 2
    with pytest.raises(Failed, match="Enrol the station anew"):
        await renew(crowd, certificate, key, fresh)


def crowd_now() -> datetime:
    return datetime.now(UTC)


async def test_nobody_but_an_administrator_enrols_or_revokes(crowd: Crowd) -> None:
    with pytest.raises(Failed, match="unauthenticated"):
        await crowd.ask(
            "StationIdentityService/RevokeStationCertificates",
            pb.RevokeStationCertificatesRequest(location=ST_1, reason="x"),
            pb.RevokeStationCertificatesResponse,
        )


# With real brokers


@dataclass(slots=True)
class Site:
    """A broker that believes what the cloud says, and stations of the cloud's authority."""

    folder: Path
    crowd: Crowd
    signer: Authority
    name: BrokerName
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> BrokerFiles:
        """Start the broker; returns what keeps it informed."""
        folder = self.folder / "broker"
        folder.mkdir()
        server = issue(self.signer, "broker", server_names=["127.0.0.1"])
        ingest = issue(self.signer, INGEST_NAME, client=True)
        access = Access(folder / "users.conf", folder / "revoked.pem")
        settings = CaSettings(
            folder=self.signer.folder,
            organisation="Demo operator",
            broker_users=access.users,
            broker_revoked=access.revoked,
            broker_pid=folder / "pid",
        )
        end = partial(take_over, self.settings(ingest), self.signer)
        informs = BrokerFiles(settings, self.signer, self.crowd.api.world.store, subject(ingest.certificate), end)
        (folder / "pid").write_text("0")
        await informs.refresh()
        command = prepare(
            Place(folder, self.port, server), stations=[], ingest=ingest.certificate, name=self.name, access=access
        )
        with (self.folder / "broker.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*command.argv, stdout=log, stderr=log)
        (folder / "pid").write_text(str(self.process.pid))
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return informs
                await asyncio.sleep(0.05)

    def settings(self, files: TlsFiles) -> MqttSettings:
        return MqttSettings(host="127.0.0.1", port=self.port, tls=files, reconnect_cap_s=0.3)

    async def station(self, name: str) -> TlsFiles:
        """A station that has enrolled."""
        key = new_key()
        certificate = await enrolled(self.crowd, key, f"locations/{name}")
        return self.write(name, key, certificate)

    def write(self, name: str, key: Key, certificate: x509.Certificate) -> TlsFiles:
        path = self.folder / f"{name}-{certificate.serial_number:x}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_private(path.with_suffix(".key"), key_pem(key))
        return TlsFiles(ca=self.signer.certificate_file, certificate=path, key=path.with_suffix(".key"))


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass(slots=True)
class Link:
    """A connection and what has become of it."""

    states: list[bool] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def attempted(self, result: str) -> None:
        """Note how an attempt has ended."""
        self.attempts.append(result)
        self.changed.set()

    def turned(self, state: bool) -> None:
        """Note that it is up, or down."""
        self.states.append(state)
        self.changed.set()

    async def until(self, state: bool, within_s: float) -> None:
        """Wait until it is up, or down."""
        await self._until(lambda: bool(self.states) and self.states[-1] is state, within_s)

    async def next_attempts(self, count: int) -> list[str]:
        """How the next attempts end."""
        before = len(self.attempts)
        await self._until(lambda: len(self.attempts) >= before + count, 30)
        return self.attempts[before:]

    async def _until(self, condition: Callable[[], bool], within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@contextlib.asynccontextmanager
async def connected(settings: MqttSettings, name: str) -> AsyncIterator[Link]:
    watched = Link()
    terms = Terms(name, [], lambda _: None, on_state=watched.turned)
    link = MqttLink(settings, terms, setting="test.mqtt", on_attempt=watched.attempted)
    running = asyncio.create_task(link.run())
    try:
        yield watched
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def _brokers() -> Iterator[object]:
    for name in ("nats", "mosquitto"):
        try:
            find(name)
        except ConfigError as error:
            yield pytest.param(name, marks=pytest.mark.skip(reason=error.why))
        else:
            yield name


@pytest.fixture(params=list(_brokers()))
async def site(request: pytest.FixtureRequest, tmp_path: Path, crowd: Crowd, signer: Authority) -> AsyncIterator[Site]:
    crowd.api.world.clock.step_utc((crowd_now() - crowd.api.world.clock.utc()).total_seconds())
    made = Site(tmp_path, crowd, signer, request.param)
    try:
        yield made
    finally:
        if made.process is not None and made.process.returncode is None:
            made.process.terminate()
            await made.process.wait()


def test_row_10_the_steps_to_a_revocation_take_less_than_a_minute_together() -> None:
    look_s, written_s, takeover_s = LOOK_EVERY_S, 2 * _SETTLE_S, WITHIN_S
    assert look_s + written_s + takeover_s < 30, "half of the minute is left to a slow disk and a slow machine"


@pytest.mark.integration
async def test_row_10_a_revoked_station_loses_its_connection_within_a_minute_and_does_not_come_back(site: Site) -> None:
    """With the back end's own loop at its own pace; nobody tells it that there is something to do."""
    informs = await site.start()
    looking = asyncio.create_task(informs.run())
    first, second = await site.station("ST-1"), await site.station("ST-2")
    async with connected(site.settings(first), "ST-1") as lost, connected(site.settings(second), "ST-2") as kept:
        await lost.until(True, 60)
        await kept.until(True, 60)
        before = len(kept.states)
        await revoke(site.crowd)
        await lost.until(False, 60)
        assert "connected" not in await lost.next_attempts(2)
        assert kept.states[before:] == []
    assert not looking.done(), looking
    looking.cancel()


@pytest.mark.integration
async def test_row_2_and_10_a_station_that_enrols_anew_comes_back_and_its_old_certificate_does_not(site: Site) -> None:
    informs = await site.start()
    old = await site.station("ST-1")
    await informs.refresh()
    await revoke(site.crowd)
    fresh = await site.station("ST-1")
    await informs.refresh()
    async with connected(site.settings(fresh), "ST-1") as link:
        await link.until(True, 30)
    log = site.folder / "broker.log"
    before = len(log.read_text())
    async with connected(site.settings(old), "ST-1") as link:
        assert "connected" not in await link.next_attempts(2)
    await written(log, before, NO_DOOR)
