"""What each client of the broker may do, in the words of NATS: a station its own topics, the cloud everybody's."""

from __future__ import annotations

from collections.abc import Iterable

from powerctl.core.ids import StationId
from powerctl.wire.topics import DOWN, UP, every_station, topic

User = dict[str, object]


def station(subject: str, name: StationId) -> User:
    """A station whose certificate has this subject."""
    send, hear = ([topic(name, channel) for channel in channels] for channels in (UP, DOWN))
    return _user(subject, send=send, hear=hear)


def cloud(subject: str) -> User:
    """The cloud's ingest, whose certificate has this subject."""
    return _user(subject, send=map(every_station, DOWN), hear=map(every_station, UP))


def _user(subject: str, *, send: Iterable[str], hear: Iterable[str]) -> User:
    """A user by the subject of its certificate. `$MQTT.>` is how NATS talks to an MQTT session."""
    return {
        "user": subject,
        "permissions": {
            "publish": {"allow": _subjects(send)},
            "subscribe": {"allow": [*_subjects(hear), "$MQTT.>"]},
        },
    }


def _subjects(topics: Iterable[str]) -> list[str]:
    """MQTT topics as NATS subjects."""
    return [name.replace("/", ".").replace("+", "*") for name in topics]
