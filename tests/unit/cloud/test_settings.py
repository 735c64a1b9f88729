"""The cloud's file."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from cloud.settings import CloudSettings, is_loopback, load_settings
from powerctl.core.errors import ConfigError

GOOD = """
[cloud]
database_url = "sqlite:///cloud.sqlite"
time_zone = "UTC"

[cloud.identity]
signing_key = "signing.pem"

[cloud.tariff]
name = "Day"
currency = "EUR"
energy_price_per_kwh = "0.49"
session_fee = "1"

[cloud.mqtt]
host = "127.0.0.1"
tls = { ca = "ca.pem", certificate = "cloud.pem", key = "cloud.key" }
"""
TLS = 'tls = { ca = "ca.pem", certificate = "api.pem", key = "api.key" }'


def loaded(folder: Path, text: str) -> CloudSettings:
    path = folder / "cloud.toml"
    path.write_text(text)
    return load_settings(path)


def test_what_is_left_out_is_closed(tmp_path: Path) -> None:
    settings = loaded(tmp_path, GOOD)
    assert (settings.web.host, settings.grpc.host, settings.http.host) == ("127.0.0.1",) * 3
    assert (settings.web.port, settings.grpc.port, settings.http.port) == (8080, 50051, 9466)
    assert (settings.reflection, settings.demo, settings.migrate_on_start) == (False, False, False)
    assert (settings.web.address, settings.web.secure, settings.zone) == ("http://127.0.0.1:8080", False, UTC)


def test_the_tariff_is_decimal(tmp_path: Path) -> None:
    tariff = loaded(tmp_path, GOOD).tariff.tariff()
    assert (tariff.energy_price_per_kwh, tariff.session_fee) == (Decimal("0.49"), Decimal(1))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            ("[cloud.identity]\nsigning_key", "[cloud.identity]\n# signing_key"),
            r"cloud\.identity\.signing_key is missing|signing_key: is missing",
        ),
        (('"0.49"', "0.49"), "quotation marks"),
        (('"EUR"', '"euro"'), "currency"),
        (('"UTC"', '"Nowhere/Land"'), "time zone"),
        (('"0.49"', '"-0.49"'), "energy_price_per_kwh"),
        (("[cloud.mqtt]", "[cloud.grpc]\nhost = '0.0.0.0'\n\n[cloud.mqtt]"), "gRPC needs TLS"),
        (("[cloud.mqtt]", "[cloud.web]\nhost = '0.0.0.0'\n\n[cloud.mqtt]"), "page needs TLS"),
        (("[cloud.mqtt]", "[cloud.web]\npublic_url = 'http://charge.example'\n\n[cloud.mqtt]"), "page needs TLS"),
        (("[cloud.mqtt]", "[cloud.web]\npublic_url = 'charge.example'\n\n[cloud.mqtt]"), "http"),
        (("[cloud.identity]", "sceret = 1\n\n[cloud.identity]"), "sceret"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_key(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        loaded(tmp_path, GOOD.replace(*change))


def test_behind_a_proxy_with_tls_the_page_may_be_plain(tmp_path: Path) -> None:
    web = "[cloud.web]\nhost = '0.0.0.0'\npublic_url = 'https://charge.example/'\n\n[cloud.mqtt]"
    settings = loaded(tmp_path, GOOD.replace("[cloud.mqtt]", web))
    assert (settings.web.address, settings.web.secure) == ("https://charge.example", True)


def test_with_tls_grpc_may_leave_the_machine(tmp_path: Path) -> None:
    grpc = f"[cloud.grpc]\nhost = '0.0.0.0'\n{TLS}\n\n[cloud.mqtt]"
    assert loaded(tmp_path, GOOD.replace("[cloud.mqtt]", grpc)).grpc.tls is not None


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("a.example", False),
    ],
)
def test_only_this_machine_reaches_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


NATS = """
[cloud.nats]
servers = ["n1:4222", "n2:4222", "n3:4222"]
tls = { ca = "ca.pem", certificate = "cloud.pem", key = "cloud.key" }
"""


def test_one_part_alone_needs_the_cluster_and_a_database_that_serves_many(tmp_path: Path) -> None:
    alone = GOOD.replace("[cloud]\n", '[cloud]\nparts = ["ingest"]\n')
    shared = alone.replace("sqlite:///cloud.sqlite", "postgresql://cloud@db/cloud")
    with pytest.raises(ConfigError, match="needs nats"):
        loaded(tmp_path, alone)
    with pytest.raises(ConfigError, match="postgresql://"):
        loaded(tmp_path, alone + NATS)
    assert loaded(tmp_path, shared + NATS).parts == {"ingest"}
    assert loaded(tmp_path, GOOD).parts == {"ingest", "api"}


def test_a_process_that_does_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="parts"):
        loaded(tmp_path, GOOD.replace("[cloud]\n", "[cloud]\nparts = []\n"))
