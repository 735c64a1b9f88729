"""From settings to running sources."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NoReturn, Protocol

from powerctl.core.clock import Clock
from powerctl.core.errors import ConfigError
from powerctl.core.units import Power
from powerctl.signals.commission import power_scale
from powerctl.signals.grid_signal import Authority
from powerctl.signals.lpc import State
from powerctl.signals.settings import GridSettings
from powerctl.signals.sources.contact import ContactSource
from powerctl.signals.sources.frequency import FrequencySource
from powerctl.signals.sources.openadr import OpenAdrSource
from powerctl.signals.sources.polling import (
    FileContacts,
    Meter,
    PolledTerminal,
    SocketFrequency,
    watch_contacts,
    watch_frequency,
)
from powerctl.signals.sources.settings import ContactSettings, FrequencySettings, OpenAdrSettings, TerminalSettings
from powerctl.signals.sources.site import SiteSource
from powerctl.signals.sources.source import Source

Shell = Callable[[], Coroutine[Any, Any, NoReturn]]
"""Makes what is to run for as long as the station."""


class Host(Protocol):
    """What the sources speak to: the station's grid signals."""

    def add_source(self, source: Source) -> Callable[[], None]:
        """Let a source contribute; the result makes it heard."""
        ...

    def submit(self, slot: int, values: Mapping[str, int], authority: Authority) -> State | None:
        """Write to a slot."""
        ...


class Running:
    """The sources that are configured, attached to their host.

    Args:
        settings: Of the grid as a whole.
        host: Attached to before it runs, so that nothing is missing from its first state.
        clock: Both clocks.
        rating: What the station's grid connection carries, AC.

    Raises:
        ConfigError: A source cannot be what it is configured as.
    """

    def __init__(self, settings: GridSettings, host: Host, clock: Clock, rating: Power) -> None:
        self._shells: list[Shell] = []
        sources = settings.sources
        if sources.contact is not None:
            self._shells.append(_contact(sources.contact, host, clock))
        if (meter := sources.meter) is not None:
            site = SiteSource(meter.rules(), rating)
            self._shells.append(Meter(meter, site, host.add_source(site), clock).run)
        if sources.utility is not None:
            _check_slot(settings, sources.utility)
            self._shells.append(PolledTerminal(sources.utility, host.submit, 10.0 ** power_scale(rating)).run)
        if sources.frequency is not None:
            self._shells.append(_frequency(sources.frequency, host, clock, rating))
        if sources.openadr is not None:
            self._shells.append(_openadr(sources.openadr, host, clock, rating))

    def tasks(self) -> list[Coroutine[Any, Any, NoReturn]]:
        """What is to run for as long as the station."""
        return [shell() for shell in self._shells]


def _contact(settings: ContactSettings, host: Host, clock: Clock) -> Shell:
    source, port = ContactSource(settings.rules()), FileContacts(settings.inputs, settings.closed)
    speak = host.add_source(source)
    return lambda: watch_contacts(port, source, speak, clock)


def _frequency(settings: FrequencySettings, host: Host, clock: Clock, rating: Power) -> Shell:
    source, port = FrequencySource(settings.rules(rating), on=settings.armed), SocketFrequency(settings.socket)
    speak = host.add_source(source)
    return lambda: watch_frequency(port, source, speak, clock)


def _openadr(settings: OpenAdrSettings, host: Host, clock: Clock, rating: Power) -> Shell:
    # A station without OpenADR need not load its client.
    from powerctl.signals.sources.openadr_client import Ven

    source = OpenAdrSource(settings.rules(rating), random.random)
    return Ven(settings, source, host.add_source(source), clock).run


def _check_slot(settings: GridSettings, utility: TerminalSettings) -> None:
    if not any(slot.index == utility.slot and slot.commissioned for slot in settings.slots):
        raise ConfigError(
            "manager.grid.sources.utility.slot",
            f"Slot {utility.slot} is not commissioned.",
            "Commission it in manager.grid.slots, without writers.",
        )
