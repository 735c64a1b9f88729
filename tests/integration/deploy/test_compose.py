"""The compose file's cell runs as it is shipped, sealed, and a station that enrols there has its records committed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from powerctl.runtime import pki
from tests.integration.deploy.compose import POSTGRES_USER, Project
from tests.integration.deploy.containers import ROOT, Cell, Container, Mount, can_contain, cell

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not can_contain(), reason="namespaces cannot be made here"),
]
WITHIN_S = 180.0
CLOUD, NATS = 10001, 10002
SPARE = ("ingest-1", "api-1")
"""Like their twins but for their ports; a machine that tests much at once is spared them."""
VISITOR, ERRAND = Container("visitor", []), Container("errand", [])


def certificates(folder: Path) -> None:
    """Steps 1 to 3 of the page beside the compose file."""
    for name in ("certs", "secrets", "authority"):
        (folder / name).mkdir()
    authority = pki.create_ca(folder / "authority", "Example")
    brokers = ["nats-0.nats", "nats-1.nats", "nats-2.nats", "nats", "stations.example"]
    made = {
        "broker": pki.issue(authority, "broker", server_names=brokers, client=True),
        "cloud_ingest": pki.issue(authority, "cloud_ingest", client=True),
        "api": pki.issue(authority, "api", server_names=["charge.example"]),
    }
    shutil.copy(authority.certificate_file, folder / "certs" / "ca.pem")
    for name, files in made.items():
        files.certificate.rename(folder / "certs" / f"{name}.pem")
        files.key.rename(folder / "secrets" / f"{name}.key")
    for name in ("signing.pem", "receipts.pem"):
        pki.signing_key(folder / "secrets" / name)
    (folder / "secrets" / "postgres").write_text("a password")
    (folder / "secrets" / "pgpass").write_text("postgres:5432:cloud:cloud:a password\n")
    for path in (folder / "secrets").iterdir():
        path.chmod(0o600)
    for path in [*(folder / "secrets").iterdir(), *(folder / "authority").iterdir(), folder / "authority"]:
        os.chown(path, CLOUD, CLOUD)
    os.chown(folder / "secrets" / "broker.key", NATS, NATS)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Cell, dict[str, Container]]]:
    tmp_path.chmod(0o755)
    certificates(tmp_path)
    services = Project(tmp_path).services()
    with cell(tmp_path) as network:
        network.plug([*services.values(), VISITOR, ERRAND], {"api-0": "charge.example"})
        # The entry point of the image of PostgreSQL does as root what the compose file's capabilities are for.
        uid = int(POSTGRES_USER.partition(":")[0])
        os.chown(tmp_path / "volumes" / "postgres", uid, uid)
        os.chown(tmp_path / "secrets" / "postgres", uid, uid)
        network.finish(services["prepare"])
        network.start(services["postgres"])
        _until(lambda: "ready to accept connections" in _log(network, "postgres"), network, "postgres")
        network.finish(services["migrate"])
        for name, service in services.items():
            if name not in {"prepare", "postgres", "migrate", *SPARE}:
                network.start(service)
        yield network, services


def test_the_cell_runs_and_a_station_that_enrols_has_its_records_committed(
    running: tuple[Cell, dict[str, Container]], tmp_path: Path
) -> None:
    network, services = running
    _visit(network, tmp_path, "well", "ingest-0", "api-0")
    token = _one_more(network, services["api-0"], "ca", "token", "--station", "ST-1").split()[-1]
    _visit(network, tmp_path, "heard", token)


def _one_more(network: Cell, service: Container, *command: str) -> str:
    """Another command of a service's image, with what the service mounts."""
    argv = [*service.argv[:1], *command, "--config", "/etc/powerctl/cloud.toml"]
    return network.finish(
        Container(ERRAND.name, argv, service.user, service.env, service.mounts, service.tmpfs), WITHIN_S
    )


def _visit(network: Cell, folder: Path, *words: str) -> str:
    """Somebody on the cell's network, who knows its names and the authority."""
    ours = [Mount(ROOT / name, str(ROOT / name)) for name in ("tests", "edge")]
    visitor = Container(
        VISITOR.name,
        ["python", "-m", "tests.integration.deploy.visitor", *words],
        env={"PYTHONPATH": str(ROOT)},
        mounts=[Mount(folder / "certs", "/run/certs"), *ours],
        tmpfs=["/visitor"],
    )
    return network.finish(visitor, 2 * WITHIN_S)


def _log(network: Cell, name: str) -> str:
    return network.log(name) if (network.folder / f"{name}.log").exists() else ""


def _until(holds: Callable[[], bool], network: Cell, name: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, _log(network, name)[-3000:]
        time.sleep(0.1)
