"""/healthz and /metrics of a program, served from a thread so that a scrape never delays a control loop's code path."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder

from powerctl.core.errors import ConfigError
from powerctl.runtime.settings import HttpListener

REQUEST_TIMEOUT_S = 5.0
"""How long a client may take to send its request."""


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """One part of a program."""

    ok: bool
    detail: str


class Health:
    """What works and what does not, by component. A program with no component yet is not healthy."""

    def __init__(self) -> None:
        self._components: dict[str, ComponentHealth] = {}

    def set(self, component: str, ok: bool, detail: str = "") -> None:
        """Record the state of `component`."""
        self._components[component] = ComponentHealth(ok, detail)

    @property
    def healthy(self) -> bool:
        """True when every component is well."""
        components = self._components
        return bool(components) and all(component.ok for component in components.values())

    def as_json(self) -> dict[str, Any]:
        """The state for /healthz."""
        components = dict(self._components)
        return {
            "healthy": self.healthy,
            "components": {name: {"ok": c.ok, "detail": c.detail} for name, c in sorted(components.items())},
        }


class HealthServer:
    """Serves GET /healthz (200 or 503) and GET /metrics.

    Args:
        listener: Where.
        health: What /healthz tells.
        setting: The key that moves the port.
        registry: What /metrics tells.

    Raises:
        ConfigError: From `start`: the port is in use or may not be opened.
    """

    def __init__(
        self,
        listener: HttpListener,
        health: Health,
        *,
        setting: str = "http.port",
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._listener = listener
        self._health = health
        self._setting = setting
        self._registry = registry
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """The port that is open; 0 before `start`."""
        return self._server.server_address[1] if self._server else 0

    async def start(self) -> None:
        """Open the port and serve until `close`."""
        try:
            self._server = ThreadingHTTPServer((self._listener.host, self._listener.port), self._handler())
        except OSError as error:
            raise port_error(self._setting, self._listener.host, self._listener.port, error) from error
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def close(self) -> None:
        """Close the port. Does nothing when it is not open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        health, registry = self._health, self._registry

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_TIMEOUT_S

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/healthz":
                    body = json.dumps(health.as_json()).encode()
                    self._answer(200 if health.healthy else 503, "application/json", body)
                elif path == "/metrics":
                    encoder, content_type = choose_encoder(self.headers.get("Accept", ""))
                    self._answer(200, content_type, encoder(registry))
                else:
                    self._answer(404, "text/plain", b"/healthz or /metrics\n")

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Requests are not logged."""

        return Handler


def port_error(setting: str, host: str, port: int, error: OSError) -> ConfigError:
    """The error for a port that cannot be opened, naming the setting that moves it."""
    reason = error.strerror or str(error)
    return ConfigError(
        setting,
        f"{host}:{port} cannot be opened: {reason}.",
        "Stop the program that uses it, or set another port.",
    )
