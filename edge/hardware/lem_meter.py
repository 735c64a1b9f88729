"""The DC meter over HTTPS: a thread asks, everybody else looks at the last answer; signed records go to a folder."""

from __future__ import annotations

import http.client
import json
import queue
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from edge.hardware import lem
from edge.hardware.lem import LiveMeasure, MeterStatus
from edge.hardware.ports import Register
from powerctl.core.clock import Clock, Monotonic
from powerctl.core.errors import RemoteError
from powerctl.core.units import Energy, Voltage
from powerctl.runtime import log, metrics

OnSigned = Callable[[str, bytes], None]
EVERY_S: Final = 0.5
FRESH_S: Final = 5.0
"""A register that is older is not fit for billing."""
CABLE_FRESH_S: Final = 1.5
ANSWER_S: Final = 3.0
RETRY_S: Final = 2.0
CLOCK_OFF_S: Final = 5.0
"""More than this and the meter's clock is set."""
MOST_ORDERS: Final = 8

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class MeterAddress:
    """Where the meter is, and which certificate it must show."""

    host: str
    port: int
    certificate: Path
    """PEM; the meter's own certificate, which it has signed itself, or an authority's."""


class Https:
    """One kept connection to the meter. Blocking.

    The certificate is pinned: the name in it is not compared, because the device knows no name of its own.
    """

    def __init__(self, address: MeterAddress) -> None:
        context = ssl.create_default_context(cafile=str(address.certificate))
        context.check_hostname = False
        self._connection = http.client.HTTPSConnection(address.host, address.port, timeout=ANSWER_S, context=context)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Status and content. Raises OSError or RemoteError."""
        payload = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, payload, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            return answer.status, answer.read(lem.MOST_OCMF + 1)
        except http.client.HTTPException as error:
            self.close()
            raise RemoteError(f"the meter broke the connection: {type(error).__name__}") from error

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def good(self, method: str, path: str, body: Any = None) -> str:
        """The content of a good answer. Raises OSError or RemoteError."""
        status, content = self.ask(method, path, body)
        if status not in (200, 201):
            raise RemoteError(f"the meter answers {method} {path.partition('?')[0]} with {status}")
        return content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Began:
    transaction: str


@dataclass(frozen=True, slots=True)
class _Ended:
    transaction: str


class LemMeter:
    """A `Meter` that also signs transactions and measures the cable.

    Args:
        folder: Where signed records are kept, one file a transaction.
        evse: Named in signed records.
        connect: How the meter is reached; for tests.
    """

    def __init__(
        self,
        address: MeterAddress,
        clock: Clock,
        folder: Path,
        *,
        connector: int,
        evse: str,
        connect: Callable[[MeterAddress], Https] = Https,
    ) -> None:
        self.status: MeterStatus | None = None
        """None: not heard yet."""
        self._address = address
        self._clock = clock
        self._folder = folder
        self._evse = evse
        self._connect = connect
        self._latest: tuple[Monotonic, LiveMeasure] | None = None
        self._orders: queue.Queue[_Began | _Ended] = queue.Queue(MOST_ORDERS)
        self._unsigned: list[_Began | _Ended] = []
        self.on_signed: OnSigned | None = None
        """Told in the driver's thread of each record that was kept. None: nobody."""
        self._stopping = threading.Event()
        self._label = str(connector)
        self._log = _log.bind(connector=connector)
        self._thread = threading.Thread(target=self._run, name=f"meter-{connector}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Cease to ask, after what was ordered."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * ANSWER_S)

    def read(self) -> Register:
        """The register as last read; not valid when that is too long ago or the meter has a fault."""
        latest, status = self._latest, self.status
        if latest is None or status is None:
            return Register("", Energy(0.0), is_valid=False)
        fresh = self._clock.monotonic() - latest[0] <= FRESH_S
        return Register(status.serial, latest[1].energy, is_valid=fresh and not status.faults)

    def cable(self) -> Voltage | None:
        """The voltage on the cable; None: no fresh value."""
        latest = self._latest
        if latest is None or self._clock.monotonic() - latest[0] > CABLE_FRESH_S:
            return None
        return Voltage(abs(latest[1].voltage.v))

    def began(self, transaction: str) -> None:
        """Let the meter sign from now on."""
        self._order(_Began(transaction))

    def ended(self, transaction: str) -> None:
        """Let the meter close the transaction; its signed record is fetched and kept."""
        self._order(_Ended(transaction))

    def _order(self, order: _Began | _Ended) -> None:
        try:
            self._orders.put_nowait(order)
        except queue.Full:
            self._log.error("meter_orders_lost", transaction=order.transaction)

    def _run(self) -> None:
        is_down = False
        while not self._stopping.is_set():
            try:
                self._converse()
                is_down = False
            except (RemoteError, OSError) as error:
                metrics.counter("edge_meter_errors_total").labels(self._label).inc()
                if not is_down:
                    self._log.warning("meter_lost", reason=str(error)[:200])
                is_down = True
                self._stopping.wait(RETRY_S)

    def _converse(self) -> None:
        meter = self._connect(self._address)
        try:
            self._introduce(meter)
            while not self._stopping.is_set():
                self._obey(meter)
                self._latest = (self._clock.monotonic(), lem.live_from(meter.good("GET", lem.LIVE)))
                self._wait()
            self._obey(meter)
        finally:
            meter.close()

    def _introduce(self, meter: Https) -> None:
        status = lem.status_from(meter.good("GET", lem.STATUS))
        now = self._clock.utc()
        if status.time is None or abs((status.time - now).total_seconds()) > CLOCK_OFF_S:
            meter.good("PUT", lem.SETTINGS, lem.set_time(now))
            status = lem.status_from(meter.good("GET", lem.STATUS))
        self.status = status
        self._log.info("meter_found", serial=status.serial, faults=list(status.faults))

    def _wait(self) -> None:
        try:
            self._unsigned.append(self._orders.get(timeout=EVERY_S))
        except queue.Empty:
            return

    def _obey(self, meter: Https) -> None:
        while not self._orders.empty():
            self._unsigned.append(self._orders.get_nowait())
        while self._unsigned:
            self._sign(meter, self._unsigned[0])
            del self._unsigned[0]

    def _sign(self, meter: Https, order: _Began | _Ended) -> None:
        """Orders that the meter refuses are told and dropped: they would only be refused again."""
        try:
            match order:
                case _Began(transaction):
                    meter.good("POST", lem.LEGAL, lem.begin(transaction, evse=self._evse))
                case _Ended(transaction):
                    query = f"?transactionId={quote(transaction, safe='')}"
                    meter.good("PUT", lem.LEGAL + query, lem.end())
                    self._keep(transaction, meter.ask("GET", lem.OCMF + query))
        except RemoteError as error:
            self._log.error("meter_refused", transaction=order.transaction, reason=str(error))

    def _keep(self, transaction: str, answer: tuple[int, bytes]) -> None:
        status, content = answer
        if status != 200:
            raise RemoteError(f"the meter gives no signed record: {status}")
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{transaction}.part"
        draft.write_bytes(lem.check_ocmf(content))
        draft.rename(self._folder / f"{transaction}.ocmf")
        self._log.info("signed_record_kept", transaction=transaction)
        if self.on_signed is not None:
            self.on_signed(transaction, content)
