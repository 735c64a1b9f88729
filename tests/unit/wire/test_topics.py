"""Topics name the station; nothing else is one of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerctl.core.errors import RemoteError
from powerctl.core.ids import StationId, station_id
from powerctl.wire.topics import Address, Channel, bucket, every_station, parse, topic

STATIONS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,35}", fullmatch=True).map(station_id)


@given(STATIONS, st.sampled_from(Channel))
def test_a_topic_names_its_station_and_channel(station: StationId, channel: Channel) -> None:
    assert parse(topic(station, channel)) == Address(station, channel)


def test_the_bucket_is_that_of_crc32() -> None:
    # CRC-32 of "123456789" is cbf43926, the check value of the catalogue at reveng.sourceforge.io.
    assert bucket(StationId("123456789")) == "06"
    assert topic(StationId("123456789"), Channel.EVENTS) == "evcs/v1/06/123456789/evt"
    assert every_station(Channel.TELEMETRY) == "evcs/v1/+/+/tel"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "evcs/v1/06/123456789",
        "evcs/v1/06/123456789/evt/more",
        "evcs/v2/06/123456789/evt",
        "x/evcs/v1/06/123456789/evt",
        "evcs/v1/07/123456789/evt",
        "evcs/v1/06/123456789/other",
        "evcs/v1/06/+/evt",
    ],
)
def test_a_foreign_topic_is_refused(name: str) -> None:
    with pytest.raises(RemoteError):
        parse(name)
