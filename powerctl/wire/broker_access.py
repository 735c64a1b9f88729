"""What each client of the broker may do, in the words of NATS: a station its own topics, the cloud everybody's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from powerctl.core.ids import StationId
from powerctl.wire.topics import DOWN, UP, every_station, topic

User = dict[str, object]

STREAM: Final = "STATIONS"
"""The JetStream stream that holds what stations have sent and no ingest has committed."""
GROUP: Final = "ingest"
"""The durable consumer that every ingest replica draws from."""
_STREAM_CALLS: Final = tuple(
    f"$JS.API.{call}"
    for call in (
        f"STREAM.INFO.{STREAM}",
        f"STREAM.CREATE.{STREAM}",
        f"STREAM.UPDATE.{STREAM}",
        f"CONSUMER.INFO.{STREAM}.{GROUP}",
        f"CONSUMER.CREATE.{STREAM}.{GROUP}",
        f"CONSUMER.DURABLE.CREATE.{STREAM}.{GROUP}",
        f"CONSUMER.MSG.NEXT.{STREAM}.{GROUP}",
    )
)


def station(subject: str, name: StationId) -> User:
    """A station whose certificate has this subject."""
    send, hear = (subjects(topic(name, channel) for channel in channels) for channels in (UP, DOWN))
    return _user(subject, send, hear)


def cloud(subject: str) -> User:
    """A replica of the cloud, whose certificate has this subject: MQTT, or the stream and its consumer."""
    send = [*subjects(map(every_station, DOWN)), *_STREAM_CALLS, f"$JS.ACK.{STREAM}.{GROUP}.>"]
    return _user(subject, send, [*subjects(map(every_station, UP)), "_INBOX.>"])


def subjects(topics: Iterable[str]) -> list[str]:
    """MQTT topics as NATS subjects."""
    return [name.replace("/", ".").replace("+", "*") for name in topics]


def topic_of(subject: str) -> str:
    """A NATS subject as MQTT topic; none of our names has a dot."""
    return subject.replace(".", "/")


def _user(subject: str, send: list[str], hear: list[str]) -> User:
    """A user by the subject of its certificate. `$MQTT.>` is how NATS talks to an MQTT session."""
    permissions = {"publish": {"allow": send}, "subscribe": {"allow": [*hear, "$MQTT.>"]}}
    return {"user": subject, "permissions": permissions}
