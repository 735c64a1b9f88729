"""The demo's processes are started, restarted, held down, talked to and ended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from powerctl.app.demo.supervisor import Program, ProgramFailed, Supervisor, wait_until

pytestmark = pytest.mark.integration

ECHO = "import sys\nprint('up', flush=True)\nfor line in sys.stdin: print('heard', line.strip(), flush=True)"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(tmp_path)
    yield supervisor
    await supervisor.close()


async def test_a_process_is_talked_to_line_by_line(supervisor: Supervisor) -> None:
    lines: list[str] = []
    await supervisor.start(Program("echo", python(ECHO), on_line=lines.append, listens=True))
    await supervisor.say("echo", "hello")
    assert await wait_until(lambda: "heard hello" in lines, timeout_s=10)


async def test_a_killed_process_stays_down_until_it_may_run_again(supervisor: Supervisor) -> None:
    lines: list[str] = []
    await supervisor.start(Program("echo", python(ECHO), on_line=lines.append, listens=True))
    assert await wait_until(lambda: lines == ["up"], timeout_s=10)
    first = supervisor.pid("echo")
    supervisor.kill("echo")
    assert await wait_until(lambda: supervisor.pid("echo") is None, timeout_s=10)
    assert supervisor.restarts == {}
    supervisor.resume("echo")
    assert await wait_until(lambda: lines == ["up", "up"], timeout_s=10)
    assert supervisor.pid("echo") not in (None, first)
    assert supervisor.restarts == {"echo": 1}


async def test_a_wrong_configuration_ends_the_demo_with_its_words(supervisor: Supervisor) -> None:
    code = "import sys; sys.stderr.write('station.toml: key: is wrong.'); sys.exit(2)"
    await supervisor.start(Program("broken", python(code)))
    with pytest.raises(ProgramFailed, match=r"broken ended with status 2\nstation.toml: key: is wrong."):
        await asyncio.wait_for(supervisor.failure(), 10)


async def test_a_process_that_keeps_dying_ends_the_demo(supervisor: Supervisor) -> None:
    await supervisor.start(Program("dying", python("raise SystemExit(1)")))
    with pytest.raises(ProgramFailed, match="dying ended with status 1"):
        await asyncio.wait_for(supervisor.failure(), 20)


async def test_a_process_that_ignores_the_signal_is_killed(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("powerctl.app.demo.supervisor.STOP_GRACE_S", 0.2)
    lines: list[str] = []
    code = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
    await supervisor.start(Program("stubborn", python(code), on_line=lines.append))
    assert await wait_until(lambda: lines == ["up"], timeout_s=10)
    await supervisor.close()
    assert supervisor.pid("stubborn") is None
