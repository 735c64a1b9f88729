"""The files for a cell of several machines: settings that load, manifests that validate, nothing open or privileged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from cloud.settings import load_settings
from powerctl.app.broker import Access, Member, Place, nats_configuration
from powerctl.runtime.settings import TlsFiles

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
KUBERNETES = "1.33"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
SHIPPED_NATS = DEPLOY / "nats" / "nats.conf"


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in MANIFESTS:
        for one in yaml.safe_load_all(path.read_text()):
            yield f"{path.stem}/{one['kind']}/{one['metadata']['name']}", one


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, one in documents():
        if one["kind"] in {"Deployment", "StatefulSet", "Job"}:
            yield name, one["spec"]["template"]["spec"]


def shipped_nats() -> str:
    """The configuration that `deploy/nats` ships, as the product generates it."""
    tls = TlsFiles(
        ca=Path("/run/certs/ca.pem"), certificate=Path("/run/certs/broker.pem"), key=Path("/run/secrets/broker.key")
    )
    routes = tuple(f"nats-{number}.nats:6222" for number in range(3))
    return nats_configuration(
        Place(Path("/etc/nats"), 8883, tls, host="0.0.0.0"),
        [],
        None,
        Access(users=Path("/run/access/users.conf"), revoked=Path("/dev/null")),
        Member("$NATS_NAME", 4222, 6222, routes),
        data=Path("/data"),
    )


def test_the_broker_that_ships_is_the_one_that_is_tested() -> None:
    assert SHIPPED_NATS.read_text() == shipped_nats() + "\n"


@pytest.mark.parametrize("part", ["ingest", "api"])
def test_a_replicas_settings_load_and_name_its_part(part: str) -> None:
    settings = load_settings(DEPLOY / "compose" / f"{part}.toml")
    assert settings.parts == {part}
    assert settings.nats is not None
    assert settings.nats.replicas == len(settings.nats.servers) == 3


def test_both_parts_ask_the_same_price() -> None:
    ingest, api = (load_settings(DEPLOY / "compose" / f"{part}.toml") for part in ("ingest", "api"))
    assert ingest.tariff == api.tariff


@pytest.mark.parametrize(("name", "manifest"), list(documents()), ids=[name for name, _ in documents()])
def test_a_manifest_is_valid_by_the_schemas_of_kubernetes(name: str, manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_a_manifest_with_a_wrong_key_would_be_found() -> None:
    _, manifest = next(documents())
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**manifest, "specs": {}}, KUBERNETES, strict=True)


@pytest.mark.parametrize(("name", "pod"), list(pods()), ids=[name for name, _ in pods()])
def test_a_pod_keeps_to_the_restricted_profile(name: str, pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        sealed = container["securityContext"]
        assert sealed["capabilities"] == {"drop": ["ALL"]}
        assert (sealed["allowPrivilegeEscalation"], sealed["readOnlyRootFilesystem"]) == (False, True)
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize(("name", "pod"), list(pods()), ids=[name for name, _ in pods()])
def test_nothing_is_mounted_inside_of_another_mount_that_is_read_only(name: str, pod: dict[str, Any]) -> None:
    for container in pod["containers"]:
        paths = [Path(one["mountPath"]) for one in container["volumeMounts"]]
        assert not [path for path in paths for other in paths if other in path.parents], paths
        assert {one["name"] for one in container["volumeMounts"]} <= _volumes(name, pod)


@pytest.mark.parametrize(("name", "pod"), list(pods()), ids=[name for name, _ in pods()])
def test_the_databases_password_is_not_in_a_file_that_a_group_reads(name: str, pod: dict[str, Any]) -> None:
    """asyncpg passes over such a file, and Kubernetes makes no other with an `fsGroup`."""
    variables = {one["name"] for container in pod["containers"] for one in container.get("env", ())}
    assert "PGPASSFILE" not in variables
    assert "PGPASSWORD" in variables or name.startswith("nats/")


def _volumes(name: str, pod: dict[str, Any]) -> set[str]:
    claimed = next(one for other, one in documents() if other == name)["spec"].get("volumeClaimTemplates", [])
    return {one["name"] for one in pod["volumes"]} | {one["metadata"]["name"] for one in claimed}


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_service_is_sealed_and_names_what_there_is(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert {one["source"] for one in service.get("configs", [])} <= set(COMPOSE["configs"])
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    named = {one.partition(":")[0] for one in service.get("volumes", [])}
    assert {one for one in named if not one.startswith("./")} <= set(COMPOSE["volumes"])
    assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


def test_only_what_stations_and_people_reach_is_published() -> None:
    published = {port.partition(":")[2] for one in COMPOSE["services"].values() for port in one.get("ports", [])}
    assert published == {"8883", "8443", "50051"}


def test_the_files_that_compose_names_are_there() -> None:
    for one in COMPOSE["configs"].values():
        assert (DEPLOY / "compose" / one["file"]).resolve().is_file()
