"""`powerctl demo`: prepare, start, tell the story, stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
import webbrowser
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.live import Live

from powerctl.app.demo import files, screen
from powerctl.app.demo.director import Director
from powerctl.app.demo.files import Files
from powerctl.app.demo.inbox import Inbox
from powerctl.app.demo.pictures import PICTURES, Photographer
from powerctl.app.demo.ports import HOST, VEHICLE_PORTS, Ports, moved, refuse_used
from powerctl.app.demo.report import assemble
from powerctl.app.demo.stage import Stage
from powerctl.app.demo.stories import SHORTEST_S, STORIES, Story
from powerctl.app.demo.supervisor import ProgramFailed
from powerctl.core.errors import ConfigError
from powerctl.runtime import log

DEFAULT_STORY: Final = "two-cars"
READY_S: Final = 40.0
"""How long the programs may take until all are well."""
EXIT_FAILED: Final = 1


def main(options: argparse.Namespace) -> int:
    """Run the demo; its exit status is 0 when every invariant held, 1 when not, 2 when something is to correct."""
    log.configure("demo", level="warning")
    story = _story(options)
    with_vehicles = options.vehicles == "simulated"
    ports = moved(Ports(), options.set)
    refuse_used(ports, besides=frozenset() if with_vehicles else VEHICLE_PORTS)
    with _folder(options.data) as folder:
        return asyncio.run(_run(options, story, ports, folder))


def _story(options: argparse.Namespace) -> Story:
    name = options.scenario or DEFAULT_STORY
    if name not in STORIES:
        raise ConfigError(f"--scenario {name}", "is no story.", f"Stories are {', '.join(STORIES)}.")
    scripted = options.headless or options.scenario
    if scripted and options.duration is not None and options.duration < SHORTEST_S:
        raise ConfigError(
            f"--duration {options.duration:g}", "is too short for a story.", f"Give {SHORTEST_S:g} s or more."
        )
    return STORIES[name]


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="powerctl-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    wanted.mkdir(parents=True, exist_ok=True)
    if any(wanted.iterdir()):
        raise ConfigError(f"--data {wanted}", "is not empty.", "Give a new or empty folder.")
    yield wanted.resolve()


async def _run(options: argparse.Namespace, story: Story, ports: Ports, folder: Path) -> int:
    console = screen.console()
    console.print("Making certificates and settings …", style="dim")
    prepared = files.prepare(folder, ports, scripted=bool(options.headless or options.scenario))
    stage = Stage(prepared, story, seed=options.seed, vehicles=options.vehicles == "simulated")
    inbox = Inbox()
    async with inbox.serving(ports.smtp):
        return await _perform(options, prepared, stage, inbox)


async def _perform(options: argparse.Namespace, prepared: Files, stage: Stage, inbox: Inbox) -> int:
    console, stopping = screen.console(), _stop_event()
    try:
        console.print("Starting broker, cloud, energy manager, charging controller, uplink and vehicles …", style="dim")
        await stage.start()
        if not await stage.ready(READY_S):
            console.print(f"Not every program is well after {READY_S:g} s:\n{stage.complaints()}", style="red")
            return EXIT_FAILED
        links = screen.Links(
            prepared.sign_in_link("driver"),
            prepared.sign_in_link("operator", "/operate"),
            prepared.sign_in_link("utility", "/utility"),
            prepared.sign_in_link("administrator", "/operate"),
        )
        vehicles = options.vehicles == "simulated"
        console.print(screen.first_screen(prepared.ports, str(prepared.folder), vehicles=vehicles))
        screen.show_links(console, links)
        if not options.headless and not options.no_browser:
            await asyncio.to_thread(webbrowser.open, links.driver)
        return await _tell(options, stage, inbox, stopping)
    except ProgramFailed as failure:
        console.print(str(failure), style="red", markup=False)
        return EXIT_FAILED
    finally:
        console.print("Stopping …", style="dim")
        await stage.close()


def _stop_event() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def _tell(options: argparse.Namespace, stage: Stage, inbox: Inbox, stopping: asyncio.Event) -> int:
    """Play the story or run until Ctrl-C, and show what happens."""
    if not (options.headless or options.scenario):
        director = Director(stage, inbox, vehicles=options.vehicles == "simulated")
        await _until(_directed(stage, director), stage, stopping, options.duration, headless=False)
        return 0
    duration_s = options.duration or 60.0
    started = time.monotonic()
    telling = _played(options.record, stage, duration_s)
    finished = await _until(telling, stage, stopping, None, headless=options.headless)
    if not finished:
        return EXIT_FAILED
    measured = await stage.measured()
    report = assemble(
        stage.story,
        seed=options.seed,
        duration_s=time.monotonic() - started,
        measured=measured,
        events=stage.events,
        started_at=started,
        expected_sessions=stage.expected_sessions,
    )
    _write(options.report, report)
    return 0 if report["ok"] else EXIT_FAILED


async def _directed(stage: Stage, director: Director) -> None:
    """Let visitors make things happen, until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.run_freely())
        tasks.create_task(director.serve(stage.files.director))


async def _played(pictures: Path | None, stage: Stage, duration_s: float) -> None:
    if pictures is None:
        await stage.play(duration_s)
        return
    links = {picture.name: stage.files.sign_in_link(picture.person) for picture in PICTURES}
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.play(duration_s))
        tasks.create_task(Photographer(pictures, links).run(duration_s))


def _write(path: Path | None, report: dict[str, object]) -> None:
    text = json.dumps(report, indent=2)
    if path is not None:
        path.write_text(text + "\n")
    if path is None or not report["ok"]:
        sys.stdout.write(text + "\n")


async def _until(
    act: Coroutine[Any, Any, None], stage: Stage, stopping: asyncio.Event, duration_s: float | None, *, headless: bool
) -> bool:
    """Run `act`, showing progress; True when it ended by itself or its time was over, False when it was stopped."""
    acting = asyncio.create_task(act, name="act")
    stopped = asyncio.create_task(stopping.wait())
    failed = asyncio.create_task(stage.failure())
    showing = asyncio.create_task(_show(stage, headless=headless))
    try:
        await asyncio.wait({acting, stopped, failed}, timeout=duration_s, return_when=asyncio.FIRST_COMPLETED)
        if failed.done():
            failed.result()
        if acting.done():
            acting.result()
        return not stopped.done()
    finally:
        for task in (acting, stopped, failed, showing):
            task.cancel()
        await asyncio.gather(acting, stopped, failed, showing, return_exceptions=True)


async def _show(stage: Stage, *, headless: bool) -> None:
    console = screen.console()
    if headless or not console.is_terminal:
        await _show_events(stage)
        return
    with Live(screen.live_table(None, {}), console=console, refresh_per_second=4) as live:
        while True:
            live.update(screen.live_table(stage.live, stage.restarts))
            await asyncio.sleep(0.25)


async def _show_events(stage: Stage) -> None:
    """One line per event, for logs and pipes."""
    shown = 0
    while True:
        for event in stage.events[shown:]:
            sys.stdout.write(f"{event['t']:6.1f} s  {event['detail'] or event['name']}\n")
            sys.stdout.flush()
        shown = len(stage.events)
        await asyncio.sleep(0.2)


def page(ports: Ports) -> str:
    """Address of the web page."""
    return f"http://{HOST}:{ports.web}"
