"""A small server of OpenADR 3.1 (VTN) in memory: programs, events, VENs, reports and subscriptions, behind OAuth.

Enough of the API to test a VEN with, on loopback. It keeps nothing, and knows one client.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import secrets
import sys
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

COLLECTIONS: Final = {
    "programs": "PROGRAM",
    "events": "EVENT",
    "vens": "VEN",
    "reports": "REPORT",
    "subscriptions": "SUBSCRIPTION",
}
PAGE: Final = 50
TIMEOUT_S: Final = 5.0
Answer = tuple[int, Any]


class Vtn:
    """The server; its methods may be called from any thread.

    Args:
        client_id: Of the one client.
        secret: Of the one client.
    """

    def __init__(self, client_id: str = "station", secret: str = "secret") -> None:  # noqa: S107 - a simulation
        self._client, self._secret = client_id, secret
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._tokens: set[str] = set()
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in COLLECTIONS}
        """By collection, then by id."""
        self.read_only = {"programs", "events"}
        """Collections that only the operator of the server writes."""
        self.broken = False
        """True: every request fails."""
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Base of the API; only while it runs."""
        return f"http://127.0.0.1:{self._server.server_address[1] if self._server else 0}"

    def start(self, port: int = 0) -> None:
        """Open the port, on loopback."""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="vtn", daemon=True).start()

    def close(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def put(self, collection: str, fields: Mapping[str, Any]) -> str:
        """Create an object, or replace the one with its id; subscribers are notified. Returns its id."""
        with self._lock:
            name = str(fields.get("id") or f"{collection[:-1]}-{next(self._numbers)}")
            known = name in self.objects[collection]
            self.objects[collection][name] = {"objectType": COLLECTIONS[collection], **fields, "id": name}
        self._notify(collection, "UPDATE" if known else "CREATE", name)
        return name

    def delete(self, collection: str, name: str) -> bool:
        """Take an object away; subscribers are notified. False: there is none."""
        with self._lock:
            gone = self.objects[collection].pop(name, None)
        if gone is not None:
            self._notify(collection, "DELETE", name)
        return gone is not None

    def revoke_tokens(self) -> None:
        """Every client must sign in again."""
        with self._lock:
            self._tokens.clear()

    def listed(self, collection: str) -> list[dict[str, Any]]:
        """Every object of a collection."""
        with self._lock:
            return [dict(one) for one in self.objects[collection].values()]

    def answer(self, method: str, target: str, token: str, body: bytes) -> Answer:
        """Status and JSON body for a request."""
        parts = urlsplit(target)
        path = parts.path.strip("/").split("/")
        if self.broken:
            return 503, _problem(503, "out of order")
        if path[0] == "auth":
            return self._auth(path, body)
        if token not in self._tokens:
            return 401, _problem(401, "sign in")
        if path[0] not in COLLECTIONS:
            return 404, _problem(404, "no such collection")
        return self._collection(method, path, parse_qs(parts.query), body)

    def _auth(self, path: list[str], body: bytes) -> Answer:
        if path == ["auth", "server"]:
            return 200, {"tokenURL": f"{self.url}/auth/token"}
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        if (form.get("client_id"), form.get("client_secret")) != (self._client, self._secret):
            return 401, {"error": "invalid_client"}
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._tokens.add(token)
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": 3600}

    def _collection(self, method: str, path: list[str], query: Mapping[str, list[str]], body: bytes) -> Answer:
        collection, name = path[0], path[1] if len(path) > 1 else ""
        if method != "GET" and collection in self.read_only:
            return 403, _problem(403, "read only")
        if method == "GET":
            return self._get(collection, name, query)
        if method == "DELETE":
            return (200, {}) if self.delete(collection, name) else (404, _problem(404, "no such object"))
        try:
            fields = json.loads(body)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            return 400, _problem(400, "not an object")
        if method == "PUT" and name not in self.objects[collection]:
            return 404, _problem(404, "no such object")
        made = self.put(collection, {**fields, "id": name} if method == "PUT" else fields)
        return (200 if method == "PUT" else 201), self.objects[collection][made]

    def _get(self, collection: str, name: str, query: Mapping[str, list[str]]) -> Answer:
        if name:
            found = self.objects[collection].get(name)
            return (404, _problem(404, "no such object")) if found is None else (200, found)
        skip, limit = int(query.get("skip", ["0"])[0]), min(PAGE, int(query.get("limit", [str(PAGE)])[0]))
        return 200, self.listed(collection)[skip : skip + limit]

    def _notify(self, collection: str, operation: str, name: str) -> None:
        kind = COLLECTIONS[collection]
        for subscription in self.listed("subscriptions"):
            for wish in subscription.get("objectOperations", []):
                if kind in wish.get("objects", []) and operation in wish.get("operations", []):
                    notice = {"objectType": kind, "operation": operation, "object": {"id": name}}
                    _post(wish["callbackUrl"], wish.get("bearerToken", ""), notice)


def _problem(status: int, title: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status}


def _post(url: str, token: str, notice: Mapping[str, Any]) -> None:
    """Deliver a notification; one that cannot be delivered is lost, as on the Internet."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", parts.path or "/", json.dumps(notice), headers)
        connection.getresponse().read()
    except OSError:
        return
    finally:
        connection.close()


def _handler(vtn: Vtn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = TIMEOUT_S

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, content = vtn.answer(self.command, self.path, token, body)
            encoded = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle()

        def log_message(self, *_: object) -> None:
            """Requests are not logged."""

    return Handler


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m powerctl.sim.vtn`: events as JSON lines on standard input, until its end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=8480)
    parser.add_argument("--client-id", default="station")
    parser.add_argument("--client-secret", default="secret")
    given = parser.parse_args(argv)
    vtn = Vtn(given.client_id, given.client_secret)
    vtn.start(given.port)
    sys.stdout.write(f"{vtn.url}\n")
    sys.stdout.flush()
    try:
        for line in sys.stdin:
            event = json.loads(line)
            sys.stdout.write(f"{vtn.put('events', event)}\n")
            sys.stdout.flush()
    finally:
        vtn.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
