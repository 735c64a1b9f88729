"""The cloud's connection to the broker: stations' records in, answers and commands out."""

from __future__ import annotations

import asyncio
from typing import Final, NoReturn

from cloud.ingest.commands import CommandPublisher
from cloud.ingest.ingest import Arrival, Ingest
from cloud.ingest.ports import RecordStore
from powerctl.core.clock import Clock
from powerctl.runtime import metrics
from powerctl.runtime.health import Health
from powerctl.runtime.mqtt import Message, MqttLink, MqttSettings, Terms
from powerctl.wire.topics import UP, every_station

CLIENT_ID: Final = "cloud_ingest"


class StationLink:
    """Everything between the broker and the store.

    Args:
        settings: Where the broker is.
        store: Where records go.
        clock: Both clocks.
        health: Told whether broker and store answer.

    Raises:
        ConfigError: The certificate files cannot be used.
    """

    def __init__(self, settings: MqttSettings, store: RecordStore, clock: Clock, health: Health) -> None:
        self._health = health
        self._link = MqttLink(
            settings,
            Terms(
                client_id=CLIENT_ID,
                subscriptions=[every_station(channel) for channel in UP],
                on_message=self._received,
                on_state=self._connected,
                persistent=True,
                acknowledge=True,
            ),
            setting="cloud.mqtt",
        )
        self.publisher = CommandPublisher(self._link.publish, clock)
        """The way to the stations."""
        self._ingest = Ingest(
            store,
            self._link.publish,
            on_answer=self.publisher.answered,
            on_store=lambda ok: health.set("database", ok),
        )
        self._connected(False)

    async def run(self) -> NoReturn:
        """Serve the stations until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ingest.run(), name="ingest")
            tasks.create_task(self.publisher.run(), name="commands")
            await self._link.run()

    def _received(self, message: Message) -> None:
        self._ingest.offer(Arrival(message.topic, message.payload, lambda: self._link.acknowledge(message)))

    def _connected(self, state: bool) -> None:
        metrics.gauge("cloud_ingest_connected").set(state)
        self._health.set("broker", state, "" if state else "not connected")
