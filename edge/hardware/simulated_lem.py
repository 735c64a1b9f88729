"""A DC meter that is not there: the device's REST interface over HTTPS with a certificate of its own.

`python -m edge.hardware.simulated_lem --folder DIR` writes the certificate there, prints the port and answers.
"""

from __future__ import annotations

import argparse
import json
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from edge.hardware import lem

SERIAL: Final = "SIM-LEM-0001"
NEVER_SET: Final = "1970-01-01T00:00:00Z"


Answer = Callable[[str, Any], tuple[int, bytes]]


class LemDevice:
    """What the meter holds, and its answers (pure but for the signature's place)."""

    def __init__(self) -> None:
        self.voltage_v = 0.0
        self.current_a = 0.0
        self.energy_kwh = 12.345
        self.time = NEVER_SET
        self.faults: dict[str, bool] = {"timeLost": False}
        self.transactions: dict[str, dict[str, Any]] = {}
        self.running: str | None = None

    def answer(self, method: str, target: str, body: Any) -> tuple[int, bytes]:
        """Status and content of one request."""
        parts = urlsplit(target)
        handler = self._handlers().get((method, parts.path))
        if handler is None:
            return 404, b"{}"
        transaction = parse_qs(parts.query).get("transactionId", [""])[0]
        return handler(transaction, body)

    def _handlers(self) -> dict[tuple[str, str], Answer]:
        return {
            ("GET", lem.STATUS): self._status,
            ("GET", lem.LIVE): self._live,
            ("PUT", lem.SETTINGS): self._set,
            ("POST", lem.LEGAL): self._begin,
            ("PUT", lem.LEGAL): self._end,
            ("GET", lem.OCMF): self._ocmf,
        }

    def _status(self, _: str, __: Any) -> tuple[int, bytes]:
        status = {"value": 0, "bits": self.faults}
        return 200, json.dumps({"status": status, "time": self.time, "serialNumber": SERIAL}).encode()

    def _live(self, _: str, __: Any) -> tuple[int, bytes]:
        values = {
            "voltage": self.voltage_v,
            "current": self.current_a,
            "power": self.voltage_v * self.current_a / 1000,
            "energyImportTotal": self.energy_kwh,
            "energyExportTotal": 0.0,
            "timestamp": self.time,
        }
        return 200, json.dumps(values).encode()

    def _set(self, _: str, body: Any) -> tuple[int, bytes]:
        self.time = body["time"]["utc"]
        return 200, b'{"meterId": "", "result": 1}'

    def _begin(self, _: str, body: Any) -> tuple[int, bytes]:
        is_bad = self.running is not None or self.time == NEVER_SET or len(body["clientId"]) > lem.MOST_CLIENT_ID
        if is_bad or body["transactionId"] in self.transactions:
            return 400, b'{"error": "refused"}'
        self.running = body["transactionId"]
        self.transactions[self.running] = {**body, "begin": self.energy_kwh}
        return 201, json.dumps({"running": True, "transactionId": self.running}).encode()

    def _end(self, transaction: str, body: Any) -> tuple[int, bytes]:
        if self.running != transaction or body.get("running") is not False:
            return 400, b'{"error": "refused"}'
        self.transactions[transaction]["end"] = self.energy_kwh
        self.running = None
        return 200, json.dumps({"running": False, "transactionId": transaction}).encode()

    def _ocmf(self, transaction: str, _: Any) -> tuple[int, bytes]:
        known = self.transactions.get(transaction)
        if known is None or "end" not in known:
            return 404, b"{}"
        readings = [
            {"RI": "1-0:1.8.0", "RU": "kWh", "RV": known[key], "TX": mark}
            for key, mark in (("begin", "B"), ("end", "E"))
        ]
        payload = json.dumps({"FV": "1.0", "GI": "DCBM simulated", "GS": SERIAL, "ID": transaction, "RD": readings})
        return 200, f'OCMF|{payload}|{{"SD":"simulated, not signed"}}'.encode()


class LemServer:
    """The device on a port of loopback, with a certificate that it has made itself."""

    def __init__(self, device: LemDevice, certificate: Path, key: Path) -> None:
        self.device = device
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(device))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="lem", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Cease to answer."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(device: LemDevice) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, content = device.answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Certificate and key of a new device. Needs the cryptography package."""
    from powerctl.runtime import pki

    authority = pki.create_ca(folder / "lem", "LEM DCBM (simulated)")
    tls = pki.issue(authority, "lem-dcbm", server_names=["127.0.0.1"])
    return tls.certificate, tls.key


def main(argv: Sequence[str] | None = None) -> int:
    """Run the device until it is ended; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m edge.hardware.simulated_lem", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(argv)
    device = LemDevice()
    server = LemServer(device, *self_signed(options.folder))
    sys.stdout.write(f"https://127.0.0.1:{server.port} {options.folder / 'lem'} {datetime.now(UTC).isoformat()}\n")
    sys.stdout.flush()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
