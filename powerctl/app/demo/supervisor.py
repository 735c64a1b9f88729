"""Processes of the demo: started, watched, restarted, killed on request, and all ended together."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

STOP_GRACE_S: Final = 5.0
"""How long a process may take to end after SIGTERM before it is killed."""
RESTART_DELAY_S: Final = 0.3
EARLY_S: Final = 5.0
MAX_EARLY_DEATHS: Final = 3
"""A process that ends so often within `EARLY_S` of its start is not started again."""
LINE_LIMIT: Final = 1 << 20
"""Longest line that is taken from a process, in bytes."""
_PR_SET_PDEATHSIG: Final = 1
PROC: Final = Path("/proc")
"""Where Linux shows processes; elsewhere `ps` does."""

LineHandler = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """How one process is started."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to our own environment."""
    restart: bool = True
    """True: started again when it ends by itself with a status other than 2 (a wrong configuration)."""
    on_line: LineHandler | None = None
    """Called with every line of standard output; None: the output goes to the log file."""
    listens: bool = False
    """True: it takes commands as lines on standard input."""


class ProgramFailed(Exception):
    """A process ended that was not to end, and is not started again. Carries its last words."""


class Supervisor:
    """Owns the processes of a demo.

    Args:
        folder: Where each process writes `NAME.log`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs: dict[str, Program] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._may_run: dict[str, asyncio.Event] = {}
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.restarts: dict[str, int] = {}

    async def start(self, program: Program) -> None:
        """Start `program` and watch it from now on."""
        self._programs[program.name] = program
        self._may_run[program.name] = asyncio.Event()
        self._may_run[program.name].set()
        await self._spawn(program)
        self._tasks[program.name] = asyncio.create_task(self._watch(program), name=f"watch-{program.name}")

    async def failure(self) -> None:
        """Return never; raise when a process ended for good.

        Raises:
            ProgramFailed: It did.
        """
        await asyncio.shield(self._failure)

    def pid(self, name: str) -> int | None:
        """The process id of `name` now; None while it is down."""
        process = self._processes.get(name)
        return process.pid if process is not None and process.returncode is None else None

    def kill(self, name: str) -> None:
        """End `name` as a power cut would, and keep it down until `resume`."""
        self._may_run[name].clear()
        with contextlib.suppress(ProcessLookupError):
            self._processes[name].kill()

    def resume(self, name: str) -> None:
        """Let `name` start again after `kill`."""
        self._may_run[name].set()

    async def say(self, name: str, line: str) -> None:
        """Send one line to the standard input of `name`; lost when it is down."""
        process = self._processes[name]
        if process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(line.encode() + b"\n")
                await process.stdin.drain()

    async def finish(self, name: str, timeout_s: float) -> None:
        """Wait until `name` ends by itself, at most `timeout_s`; then end it."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
        process = self._processes[name]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), timeout_s)
        await self._end(process)

    async def close(self) -> None:
        """End every process, last started first; returns when all are gone."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for name in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                self._processes[name].terminate()
        await asyncio.gather(*(self._end(process) for process in self._processes.values()))

    def last_words(self, name: str, lines: int = 12) -> str:
        """The end of the log of `name`."""
        with contextlib.suppress(OSError):
            return "\n".join((self._folder / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
        return ""

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        try:
            await asyncio.wait_for(process.wait(), STOP_GRACE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _spawn(self, program: Program) -> None:
        with (self._folder / f"{program.name}.log").open("ab") as log:
            process = await _spawn_process(program, log)
        self._processes[program.name] = process
        if program.on_line is not None and process.stdout is not None:
            task = asyncio.create_task(_forward(process.stdout, program.on_line), name=f"read-{program.name}")
            self._tasks[f"read-{program.name}"] = task

    async def _watch(self, program: Program) -> None:
        early_deaths = 0
        while True:
            started = time.monotonic()
            status = await self._processes[program.name].wait()
            killed = not self._may_run[program.name].is_set()
            early_deaths = 0 if killed or time.monotonic() - started > EARLY_S else early_deaths + 1
            await self._may_run[program.name].wait()
            if not program.restart or status == 2 or early_deaths >= MAX_EARLY_DEATHS:
                self._fail(program, status)
                return
            self.restarts[program.name] = self.restarts.get(program.name, 0) + 1
            await asyncio.sleep(RESTART_DELAY_S)
            await self._spawn(program)

    def _fail(self, program: Program, status: int) -> None:
        if not self._failure.done():
            words = self.last_words(program.name)
            self._failure.set_exception(ProgramFailed(f"{program.name} ended with status {status}\n{words}"))


async def _spawn_process(program: Program, log: IO[bytes]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *program.argv,
        stdin=asyncio.subprocess.PIPE if program.listens else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if program.on_line is not None else log,
        stderr=log,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **program.env},
        limit=LINE_LIMIT,
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,
    )


def _die_with_parent() -> None:
    """Ask the kernel to end the child when the demo itself is killed, so that nothing is left running."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def children(parent: int, word: str) -> list[int]:
    """Process ids of the children of `parent` whose command line has `word` in it."""
    if PROC.is_dir():
        return [int(one.name) for one in PROC.iterdir() if one.name.isdigit() and _is_child(one, parent, word)]
    command = ("ps", "-A", "-o", "pid=,ppid=,command=")
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - constant
    rows = (line.split(None, 2) for line in told.splitlines())
    return [int(pid) for pid, ppid, words in rows if int(ppid) == parent and word in words]


def _is_child(process: Path, parent: int, word: str) -> bool:
    with contextlib.suppress(OSError, ValueError, IndexError):
        # The second field is the name in brackets, and may hold anything (proc_pid_stat(5)).
        status = (process / "stat").read_text().rpartition(")")[2].split()
        return int(status[1]) == parent and word.encode() in (process / "cmdline").read_bytes()
    return False


async def _forward(stream: asyncio.StreamReader, handler: LineHandler) -> None:
    while line := await stream.readline():
        handler(line.decode(errors="replace").rstrip("\n"))


async def wait_until(condition: Callable[[], bool], *, timeout_s: float, every_s: float = 0.05) -> bool:
    """True as soon as `condition` holds; False when it does not within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(every_s)
    return True
