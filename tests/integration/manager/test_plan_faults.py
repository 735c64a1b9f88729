"""The plan process of a running energy manager is killed, stopped and made to lie: only shares may change."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from powerctl.allocation.plan_frame import framed
from powerctl.allocation.plan_problem import STEPS, Plan, plan_to_json
from powerctl.app import status_socket
from powerctl.app.explanation import plan_sentence
from powerctl.core.record import PlanState
from powerctl.runtime.settings import TlsFiles
from tests.integration.manager.controller import EFFICIENCY, ScriptedController, eventually
from tests.integration.manager.test_program import _free_ports, _program, _write

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="the plan process is found through /proc"),
]

CAP_W, AUXILIARY_W, TOLERANCE_W = 22_000.0, 150.0, 50.0
PATIENCE_S = 60.0
INSANE = framed(plan_to_json(Plan({1: (1e9,) * STEPS, 2: (1e9,) * STEPS})))
SETTINGS = """
[manager.plan]
interval_s = 1.0
deadline_s = 8.0

[manager]
status_folder = "{folder}"
"""


def _child(pid: int) -> int | None:
    """The plan process: the only child."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


def _answers(pid: int) -> Path:
    """The pipe on which the plan process answers: the one it holds for writing beside the three standard ones."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        flags = int(Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().split("flags:")[1].split()[0], 8)
        if int(link.name) > 2 and os.readlink(link).startswith("pipe:") and flags & os.O_ACCMODE == os.O_WRONLY:
            return link
    raise AssertionError("it answers nowhere")


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _hang(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def _garble(pid: int) -> None:
    _answers(pid).write_bytes(b"\xff" * 64)


def _lie(pid: int) -> None:
    _answers(pid).write_bytes(INSANE)


def _granted_w(controller: ScriptedController) -> Iterator[float]:
    """After every setpoint, watts AC of the newest limits together."""
    newest: dict[int, float] = {}
    for _, setpoint in controller.setpoints:
        newest[setpoint.connector] = setpoint.limit.w
        yield AUXILIARY_W + sum(newest.values()) / EFFICIENCY


def _told(controller: ScriptedController) -> tuple[PlanState | None, str]:
    plan = controller.limits[-1].plan if controller.limits else None
    return (None, "") if plan is None else (plan.state, plan.detail)


def _configured(folder: Path, tls: TlsFiles, ports: list[int]) -> Path:
    """The efficiency is a constant one, so that the sum of the limits can be compared with the cap."""
    config = _write(folder, tls, ports)
    plan, manager = SETTINGS.format(folder=folder / "run").split("\n\n")
    text = config.read_text().replace("[[2000, 0.90], [11000, 0.95], [22000, 0.94]]", f"[[22000, {EFFICIENCY}]]")
    slot = text[text.index("[[manager.grid.slots]]") : text.index("[manager.allocation]")]
    config.write_text(f"{manager.strip()}\n\n{text.replace(slot, '')}\n{plan.strip()}\n")
    return config


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_kill, "The plan process ended"),
        (_hang, "did not answer in time"),
        (_garble, "failed the check"),
        (_lie, "failed the check"),
    ],
    ids=["killed", "hung", "garbled", "insane"],
)
async def test_whatever_becomes_of_the_plan_process_the_cap_holds_and_the_cause_is_told(
    tmp_path: Path, server_tls: TlsFiles, client_tls: TlsFiles, harm: Callable[[int], None], words: str
) -> None:
    ports = _free_ports(3)
    async with _program(_configured(tmp_path, server_tls, ports)) as process:
        controller = ScriptedController(ports[2], client_tls)
        controller.plug(1, committed_kw=5.0)
        controller.plug(2, committed_kw=5.0)
        async with controller:
            await eventually(lambda: _told(controller)[0] is PlanState.USED, PATIENCE_S)
            harmed = _child(process.pid)
            assert harmed is not None
            harm(harmed)
            await eventually(lambda: words in _told(controller)[1], PATIENCE_S)
            await eventually(lambda: _child(process.pid) not in (None, harmed), PATIENCE_S)
            await eventually(lambda: _told(controller)[0] is PlanState.USED, PATIENCE_S)
            state, sentence = _told(controller)
            assert state is PlanState.USED
            assert words in sentence
            assert "every limit holds" in sentence
            (path,) = status_socket.sockets(tmp_path / "run")
            document = await asyncio.to_thread(status_socket.read, path)
            assert words in plan_sentence(json.loads(document)["plan"])
    granted = list(_granted_w(controller))
    assert len(granted) > 4
    assert max(granted) <= CAP_W + TOLERANCE_W
    kept = list((tmp_path / "manager" / "rejected-plans").glob("plan-*.json"))
    assert bool(kept) == (harm in (_garble, _lie))
