"""The running demo: its processes, its driver, and the script that moves them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from powerctl.app.demo import cast
from powerctl.app.demo.driver import ApiError, Driver
from powerctl.app.demo.enrolment import enrol_all
from powerctl.app.demo.files import DRIVER_ADDRESS, STATION, Files
from powerctl.app.demo.ports import HOST
from powerctl.app.demo.stories import Action, Step, Story
from powerctl.app.demo.supervisor import Supervisor, children, wait_until

DRIVER_POLL_S: Final = 0.5
SETTLE_S: Final = 0.5
REPORT_S: Final = 30.0
"""How long the observer may take for its report: it waits for records that are on their way."""
WAITING_STATES: Final = frozenset({"CONNECTOR_STATE_OCCUPIED"})
VEHICLES_OWN: Final = frozenset({Action.PLUG, Action.UNPLUG, Action.LEAVE, Action.FILL})
"""Left to whoever brings the vehicles."""
PRICES_PER_KWH: Final = (0.34, 0.38, 0.31, 0.22, 0.15, 0.09, 0.06, 0.05, 0.05, 0.07, 0.11, 0.16)
"""Of this hour and those that follow: an evening that goes into a night with wind. Invented."""
LEAVE_S: Final = 30.0
"""How long a session may take to end before the plug is pulled in vain."""
ENERGISED_STATES: Final = frozenset(
    {"CONNECTOR_STATE_CHARGING", "CONNECTOR_STATE_STARTING", "CONNECTOR_STATE_STOPPING"}
)
PLUGGED_STATES: Final = ENERGISED_STATES | WAITING_STATES | {"CONNECTOR_STATE_PAUSED", "CONNECTOR_STATE_FINISHED"}
RUNNING_STATES: Final = frozenset({"SESSION_STATE_ACTIVE", "SESSION_STATE_PENDING"})


class Stage:
    """Everything that runs.

    Args:
        files: What was prepared.
        story: What is played.
        seed: Seed of the vehicles.
        vehicles: False: both seams are left to vehicles that somebody else starts.
    """

    def __init__(self, files: Files, story: Story, *, seed: int, vehicles: bool) -> None:
        self.files = files
        self.story = story
        self._seed = seed
        self._with_vehicles = vehicles
        self._supervisor = Supervisor(files.logs)
        self._driver = Driver(files.web_url, files.sign_in_token("driver"), STATION)
        self._keeper = Driver(files.web_url, files.sign_in_token("operator"), STATION)
        self._started = time.monotonic()
        self._may_start = True
        self.events: list[dict[str, Any]] = []
        self.live: dict[str, Any] | None = None
        self._report: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    @property
    def restarts(self) -> dict[str, int]:
        """How often each program was started again."""
        return self._supervisor.restarts

    @property
    def expected_sessions(self) -> int:
        """How many sessions must have a receipt at the end."""
        return len(self.story.vehicles) if self._with_vehicles else 0

    async def start(self) -> None:
        """Start every process."""
        for program in (*cast.hubs(self.files), *cast.programs(self.files)):
            await self._supervisor.start(program)
        if self._with_vehicles:
            for program in cast.vehicles(self.files, self.story, self._seed, _ignore):
                await self._supervisor.start(program)

    async def ready(self, timeout_s: float) -> bool:
        """True when every program is well within `timeout_s`; then the utility and the observer start."""
        waiting = asyncio.create_task(self._all_well(timeout_s))
        failing = asyncio.create_task(self._supervisor.failure())
        try:
            await asyncio.wait({waiting, failing}, return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                failing.result()
            if not waiting.result():
                return False
        finally:
            failing.cancel()
            await asyncio.gather(failing, return_exceptions=True)
        await self._supervisor.start(cast.observer(self.files, self._on_observation))
        await self._supervisor.start(cast.utility(self.files, self._on_write))
        return True

    async def _all_well(self, timeout_s: float) -> bool:
        """The uplink starts when someone takes its records: a broker forgets what nobody has subscribed to."""
        deadline = time.monotonic() + timeout_s
        urls = self.files.health_urls
        if not await _become_well([urls["cloud"]], deadline):
            return False
        await asyncio.to_thread(enrol_all, self.files)
        await self._supervisor.start(cast.uplink(self.files))
        await self._supervisor.start(cast.neighbours(self.files))
        return await _become_well(urls.values(), deadline)

    def complaints(self) -> str:
        """The last words of every program that is not well."""
        unwell = [name for name, url in self.files.health_urls.items() if not _well(url)]
        return "\n".join(f"--- {name} ---\n{self._supervisor.last_words(name)}" for name in unwell)

    async def failure(self) -> None:
        """Return never; raise when a process ended for good."""
        await self._supervisor.failure()

    async def run_freely(self) -> NoReturn:
        """Plug both vehicles in, start them, and go on until cancelled."""
        self._started = time.monotonic()
        await self._call(lambda: self._driver.be_told(DRIVER_ADDRESS))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._authorise(), name="authorise")
            for step in self.story.steps:
                if step.action is Action.PLUG:
                    await self.take(step)
            await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def play(self, duration_s: float) -> None:
        """Play the story to its end."""
        self._started = time.monotonic()
        authorising = asyncio.create_task(self._authorise(), name="authorise")
        try:
            for at, step in self.story.schedule(duration_s):
                await asyncio.sleep(max(0.0, self._started + at - time.monotonic()))
                await self.take(step)
            await asyncio.sleep(max(0.0, self._started + duration_s - time.monotonic()))
        finally:
            authorising.cancel()
            await asyncio.gather(authorising, return_exceptions=True)

    async def measured(self) -> dict[str, Any]:
        """The observer's report.

        Raises:
            TimeoutError: It did not come.
        """
        await self._supervisor.say("observer", json.dumps({"do": "report"}))
        report = await asyncio.wait_for(asyncio.shield(self._report), REPORT_S)
        await self._supervisor.finish("observer", SETTLE_S)
        return report

    async def close(self) -> None:
        """End every process."""
        await self._supervisor.close()

    # --- Script --------------------------------------------------------------------------------------------------

    async def take(self, step: Step) -> None:
        """Do what `step` says; nothing when it needs vehicles and there are none of ours."""
        if step.action in VEHICLES_OWN and not self._with_vehicles:
            return
        self.tell(step.action, step.detail)
        await {
            Action.PLUG: self._plug,
            Action.UNPLUG: self._unplug,
            Action.DIM: self._dim,
            Action.CUT: self._utility,
            Action.MEND: self._utility,
            Action.KILL: self._kill,
            Action.RESUME: self._resume,
            Action.STOP: self._stop,
            Action.LEAVE: self._leave,
            Action.FILL: self._fill,
            Action.KILL_PLAN: self._kill_plan,
            Action.PRICES: self._prices,
        }[step.action](step)

    async def _plug(self, step: Step) -> None:
        await self._supervisor.say(_vehicle(step), '{"do":"plug"}')

    async def _unplug(self, _: Step) -> None:
        for name in ("vehicle-left", "vehicle-right"):
            await self._supervisor.say(name, '{"do":"unplug"}')

    async def _leave(self, step: Step) -> None:
        """The plug stays locked until the controller has ended the session."""
        await self._supervisor.say(_vehicle(step), '{"do":"stop"}')
        async with asyncio.timeout(LEAVE_S):
            while True:
                await asyncio.sleep(DRIVER_POLL_S)
                if not await self._is_energised(int(step.value)):
                    break
        await self._supervisor.say(_vehicle(step), '{"do":"unplug"}')

    async def _is_energised(self, connector: int) -> bool:
        for shown in await self._driver.connectors():
            if shown["name"].endswith(f"/{connector}"):
                return shown.get("live", {}).get("state") in ENERGISED_STATES
        return False

    async def _fill(self, step: Step) -> None:
        await self._supervisor.say(f"vehicle-{step.target}", json.dumps({"do": "soc", "value": step.value}))

    async def _kill_plan(self, _: Step) -> None:
        manager = self._supervisor.pid("powerctl")
        for pid in await asyncio.to_thread(children, manager, "plan_worker") if manager is not None else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def _prices(self, step: Step) -> None:
        told = PRICES_PER_KWH if step.value else ()
        await self._supervisor.say("utility", json.dumps({"do": "prices", "per_kwh": told}))

    async def _dim(self, step: Step) -> None:
        await self._supervisor.say("utility", json.dumps({"do": "limit", "w": step.value}))

    async def _utility(self, step: Step) -> None:
        await self._supervisor.say("utility", json.dumps({"do": str(step.action)}))

    async def _kill(self, step: Step) -> None:
        self._supervisor.kill(step.target)

    async def _resume(self, step: Step) -> None:
        self._supervisor.resume(step.target)

    async def _stop(self, _: Step) -> None:
        self._may_start = False
        for session in await self._driver.sessions():
            if session.get("state") in RUNNING_STATES:
                await self._call(lambda name=session["name"]: self._driver.stop(name))  # type: ignore[misc]

    async def _authorise(self) -> NoReturn:
        """The driver starts whatever is plugged in, until the story says stop."""
        asked: set[str] = set()
        while True:
            with contextlib.suppress(ApiError):
                for connector in await self._driver.connectors():
                    await self._authorise_one(connector, asked)
            await asyncio.sleep(DRIVER_POLL_S)

    async def _authorise_one(self, connector: dict[str, Any], asked: set[str]) -> None:
        live = connector.get("live", {})
        plug_in = live.get("session") or connector["name"]
        if live.get("state") not in PLUGGED_STATES:
            asked.discard(connector["name"])
        if live.get("state") in WAITING_STATES and self._may_start and plug_in not in asked:
            if await self._is_a_visitors(connector):
                return
            session = await self._driver.start(connector["name"])
            asked.add(plug_in)
            self.tell("authorised", f"The driver starts charging on the {connector.get('position')}")
            asked.add(session.get("name", ""))

    async def _is_a_visitors(self, connector: dict[str, Any]) -> bool:
        """True when somebody at the page has paid for this connector, or has had it kept: they start it themselves."""
        if "reserveEndTime" in connector:
            return True
        return any(paid["connector"] == connector["name"] for paid in await self._keeper.open_purchases())

    async def _call(self, call: Callable[[], Any]) -> None:
        try:
            await call()
        except ApiError as error:
            self.tell("refused", str(error))

    # --- What the processes say ----------------------------------------------------------------------------------

    def tell(self, name: str, detail: str) -> None:
        """Note what happened, for the screen and the report."""
        self.events.append({"t": round(time.monotonic() - self._started, 3), "name": str(name), "detail": detail})

    def _on_observation(self, line: str) -> None:
        with contextlib.suppress(ValueError):
            message = json.loads(line)
            if "live" in message:
                self.live = message["live"]
            elif "report" in message and not self._report.done():
                self._report.set_result(message["report"])

    def _on_write(self, line: str) -> None:
        """The utility says when its writes were acknowledged; the observer knows no better instant."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = json.loads(line)
            if message.get("event") == "acknowledged":
                note = json.dumps({"do": "note_write", "t": float(message["sent"])})
                self._notes = asyncio.ensure_future(self._supervisor.say("observer", note))


def _vehicle(step: Step) -> str:
    return f"vehicle-{'left' if step.value == 1 else 'right'}"


def _ignore(_: str) -> None:
    """Vehicles talk; nobody listens yet."""


async def _become_well(urls: Iterable[str], deadline: float) -> bool:
    waiting = set(urls)
    while waiting:
        waiting = {url for url in waiting if not await asyncio.to_thread(_well, url)}
        if waiting and time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


def _well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own loopback address
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


__all__ = ["HOST", "Stage", "wait_until"]
