"""The station as a virtual end node (VEN) of OpenADR 3.1: asks its server for events, and reports what it did.

The client library blocks, so each call runs in a thread of its own. A notification of the server only makes the station
ask at once: what holds is always what the server answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import random
import secrets
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NoReturn, TypeVar

import httpx
from openadr3.api import OpenADRClient
from openadr3.auth import fetch_token

from powerctl.core.clock import Clock
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.runtime import log
from powerctl.runtime.backoff import full_jitter
from powerctl.runtime.health import port_error
from powerctl.runtime.metrics import counter
from powerctl.signals.mailbox import Stamp
from powerctl.signals.sources.openadr import OpenAdrSource
from powerctl.signals.sources.openadr_report import report_body
from powerctl.signals.sources.polling import Speak, Watch
from powerctl.signals.sources.settings import CallbackSettings, OpenAdrSettings

RETRY_CAP_S: Final = 60.0
REQUEST_TIMEOUT_S: Final = 5.0
MAX_BODY: Final = 1 << 20
PAGE: Final = 50
MAX_PAGES: Final = 10

_log = log.get(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)
"""It would log every poll."""

T = TypeVar("T")


class Notices:
    """The small listener for the server's notifications.

    Raises:
        ConfigError: From `start`: the port cannot be opened.
    """

    def __init__(self, settings: CallbackSettings) -> None:
        self._settings = settings
        self.token: Final = secrets.token_urlsafe(32)
        """The server must show it."""
        self.heard = asyncio.Event()
        """Set by every notification."""
        self._server: ThreadingHTTPServer | None = None

    @property
    def port(self) -> int:
        """The port that is open; 0 before `start`."""
        return self._server.server_address[1] if self._server else 0

    def start(self) -> None:
        """Open the port."""
        host, port = self._settings.host, self._settings.port
        try:
            self._server = ThreadingHTTPServer((host, port), self._handler(asyncio.get_running_loop()))
        except OSError as error:
            raise port_error("manager.grid.sources.openadr.callback.port", host, port, error) from error
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="openadr-notices", daemon=True).start()

    def close(self) -> None:
        """Close the port. Does nothing when it is not open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _handler(self, loop: asyncio.AbstractEventLoop) -> type[BaseHTTPRequestHandler]:
        expected, heard = f"Bearer {self.token}", self.heard

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_TIMEOUT_S

            def do_POST(self) -> None:
                shown = self.headers.get("Authorization", "")
                allowed = hmac.compare_digest(shown.encode(), expected.encode())
                self.send_response(204 if allowed else 401)
                self.send_header("Connection", "close")
                self.end_headers()
                if allowed:
                    loop.call_soon_threadsafe(heard.set)

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def log_message(self, *_: object) -> None:
                """Requests are not logged."""

        return Handler


class Server:
    """The calls to one server; they block, and raise RemoteError for everything that the other side can break."""

    def __init__(self, settings: OpenAdrSettings, secret: str) -> None:
        self._settings = settings
        self._secret = secret
        self._client: OpenADRClient | None = None
        self._programs: frozenset[str] | None = None
        self._reports: dict[str, str] = {}

    def connect(self) -> None:
        """Sign in, and find the programs that the station follows."""
        self.close()
        settings = self._settings
        token = _guarded(lambda: fetch_token(settings.url, settings.client_id, self._secret))
        self._client = OpenADRClient(settings.url, token=token)
        if settings.programs:
            listed = self._all(self._connected.get_programs)
            self._programs = frozenset(str(p.get("id")) for p in listed if p.get("programName") in settings.programs)

    def introduce(self, notices: tuple[str, str] | None) -> None:
        """Make the station known and subscribe; a server may have been told both by its operator.

        Args:
            notices: Address of the listener for notifications, and its token.
        """
        client, name = self._connected, self._settings.ven_name
        if not any(ven.get("venName") == name for ven in self._all(client.get_vens)):
            _json(lambda: client.create_ven({"objectType": "VEN_VEN_REQUEST", "venName": name}))
        if notices is not None:
            self._subscribe(client, *notices)

    def _subscribe(self, client: OpenADRClient, url: str, token: str) -> None:
        """Replace the subscription of an earlier start: its token is no longer known."""
        name = self._settings.ven_name
        for old in self._all(client.get_subscriptions):
            if old.get("clientName") == name:
                _json(partial(client.delete_subscription, str(old.get("id"))))
        operation = {
            "objects": ["EVENT"],
            "operations": ["CREATE", "UPDATE", "DELETE"],
            "callbackUrl": url,
            "bearerToken": token,
        }
        wish = {"objectType": "SUBSCRIPTION", "clientName": name, "objectOperations": [operation]}
        _json(lambda: client.create_subscription(wish))

    def events(self) -> list[Any]:
        """All events of the programs that the station follows."""
        found = self._all(self._connected.get_events)
        if self._programs is None:
            return found
        return [event for event in found if event.get("programID") in self._programs]

    def report(self, event: str, body: Mapping[str, Any]) -> None:
        """Create the report on an event, or bring it up to date."""
        client, known = self._connected, self._reports.get(event)
        if known is not None:
            _json(lambda: client.update_report(known, dict(body)))
            return
        created = _json(lambda: client.create_report(dict(body)))
        if isinstance(created, dict) and isinstance(created.get("id"), str):
            self._reports[event] = created["id"]

    def forget(self, events: set[str]) -> None:
        """Keep only the reports of `events`."""
        self._reports = {event: report for event, report in self._reports.items() if event in events}

    @property
    def _connected(self) -> OpenADRClient:
        if self._client is None:
            raise RemoteError("OpenADR: not connected")
        return self._client

    def _all(self, get: Callable[..., httpx.Response]) -> list[dict[str, Any]]:
        """Every object of a collection, page by page."""
        found: list[dict[str, Any]] = []
        for page in range(MAX_PAGES):
            listed = _json(partial(get, skip=page * PAGE, limit=PAGE))
            if not isinstance(listed, list):
                raise RemoteError("OpenADR: not a list")
            fresh = [one for one in listed if isinstance(one, dict) and one not in found]
            found += fresh
            if len(listed) < PAGE or not fresh:
                break
        return found

    def close(self) -> None:
        """Drop the connection. Does nothing when there is none."""
        if self._client is not None:
            self._client.close()
            self._client = None


def _guarded(call: Callable[[], T]) -> T:
    try:
        return call()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise RemoteError(f"OpenADR: {type(error).__name__}: {error}") from error


def _json(call: Callable[[], httpx.Response]) -> Any:
    """What the server answers. None: nothing."""
    response = _guarded(lambda: call().raise_for_status())
    if len(response.content) > MAX_BODY:
        raise RemoteError(f"OpenADR: an answer of {len(response.content)} bytes")
    return _guarded(response.json) if response.content else None


class Ven:
    """Follows the server's events until cancelled.

    Raises:
        ConfigError: The secret cannot be read.
    """

    def __init__(self, settings: OpenAdrSettings, source: OpenAdrSource, speak: Speak, clock: Clock) -> None:
        self._settings = settings
        self._source = source
        self._speak = speak
        self._clock = clock
        self._server = Server(settings, _secret(settings))
        self._notices = None if settings.callback is None else Notices(settings.callback)
        self._watch = Watch("openadr")
        self._reported: dict[str, float] = {}

    async def run(self) -> NoReturn:
        """Connect, follow, and connect again after a failure."""
        attempt = 0
        try:
            if self._notices is not None:
                self._notices.start()
            while True:
                try:
                    await asyncio.to_thread(self._server.connect)
                    attempt = 0
                    await self._try(self._server.introduce, self._address())
                    await self._follow()
                except RemoteError as error:
                    self._watch.broken(error)
                attempt += 1
                await asyncio.sleep(full_jitter(attempt, cap_s=RETRY_CAP_S, random=random.random))
        finally:
            if self._notices is not None:
                self._notices.close()
            self._server.close()

    def _address(self) -> tuple[str, str] | None:
        if self._notices is None or self._settings.callback is None:
            return None
        return self._settings.callback.url.format(port=self._notices.port), self._notices.token

    async def _follow(self) -> NoReturn:
        while True:
            events = await asyncio.to_thread(self._server.events)
            refused = self._source.received(events, self._stamp())
            for error in refused:
                self._watch.broken(error)
            self._speak()
            if not refused:
                self._watch.well()
            await self._report()
            await self._pause()

    async def _pause(self) -> None:
        """Until the next poll, or a notification."""
        if self._notices is None:
            await asyncio.sleep(self._settings.poll_s)
            return
        try:
            async with asyncio.timeout(self._settings.poll_s):
                await self._notices.heard.wait()
        except TimeoutError:
            return
        self._notices.heard.clear()

    async def _report(self) -> None:
        """Report on every event in force that is due, and once on each that has ended."""
        stamp = self._stamp()
        active = {signal.event for signal in self._source.active(stamp.utc)}
        due = {event for event in active if stamp.now - self._reported.get(event, -1e9) >= self._settings.report_s}
        for event in sorted(due | (self._reported.keys() - active)):
            body = report_body(event, self._settings.ven_name, self._source.report, stamp.utc, in_force=event in active)
            await self._try(self._server.report, event, body)
            if event in active:
                self._reported[event] = stamp.now
            else:
                del self._reported[event]
        self._server.forget(active)

    async def _try(self, call: Callable[..., None], *arguments: Any) -> None:
        """What the station can do without: a failure is counted and logged, and nothing else."""
        try:
            await asyncio.to_thread(call, *arguments)
        except RemoteError as error:
            counter("powerctl_source_errors_total").labels("openadr").inc()
            _log.warning("openadr_courtesy_failed", why=str(error))

    def _stamp(self) -> Stamp:
        return Stamp(self._clock.monotonic(), self._clock.utc())


def _secret(settings: OpenAdrSettings) -> str:
    path = settings.client_secret_file
    try:
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "manager.grid.sources.openadr.client_secret_file",
            f"{path} cannot be read: {error}.",
            "Write the client secret there, readable by this program's user only.",
        ) from error
    if not secret:
        raise ConfigError(
            "manager.grid.sources.openadr.client_secret_file", f"{path} is empty.", "Write the client secret there."
        )
    return secret
