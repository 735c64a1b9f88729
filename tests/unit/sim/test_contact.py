"""Relays as files, read as the station reads its inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from powerctl.core.errors import RemoteError
from powerctl.signals.sources.polling import FileContacts
from powerctl.sim.contact import ContactBox


@pytest.mark.parametrize(("closed", "reads"), [(1, (True, False)), (0, (False, True))])
async def test_the_station_reads_what_the_box_switches(tmp_path: Path, closed: int, reads: tuple[bool, bool]) -> None:
    box = ContactBox(tmp_path, 2)
    box.set(True, False)
    assert await FileContacts(box.inputs, closed).closed() == reads


async def test_an_input_that_is_gone_or_says_something_else_is_an_error(tmp_path: Path) -> None:
    box = ContactBox(tmp_path)
    port = FileContacts(box.inputs, 1)
    box.inputs[0].write_text("maybe")
    with pytest.raises(RemoteError):
        await port.closed()
    box.unplug()
    with pytest.raises(RemoteError):
        await port.closed()


def test_every_relay_needs_a_value(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        ContactBox(tmp_path, 2).set(True)
