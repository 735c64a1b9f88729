"""The tutorials, done to the letter by a reader with a shell: every block runs, and shows what it should."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from powerctl.app.demo.ports import Ports
from tests.e2e.test_demo import free_ports

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = sorted(page for page in (ROOT / "docs" / "tutorials").glob("*.md") if page.stem != "index")
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```\n((?:<!-- .*? -->\n)*)", re.MULTILINE | re.DOTALL)
REMARK = re.compile(r"<!-- (\w+): (.*?) -->")
TITLE = re.compile(r'title="([^"]+)"')
STAYS = ("First terminal", "Third terminal", "Fourth terminal")
"""What runs there runs until the end of the tutorial."""
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Step:
    """A block of a page, and what the page says about it where only its source shows."""

    language: str
    title: str
    text: str
    remarks: Mapping[str, str]
    in_repository: bool


def steps(page: str) -> Iterator[Step]:
    for language, attributes, text, remarks in BLOCK.findall(page):
        title = TITLE.search(attributes)
        yield Step(language, title[1] if title else "", text, dict(REMARK.findall(remarks)), "repository" in attributes)


@dataclass
class Reader:
    """Somebody in a folder of their own, whose ports are other than the page's so that readers do not meet."""

    folder: Path
    ports: Mapping[str, int]
    terminals: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    said: dict[int, list[str]] = field(default_factory=dict)

    def own(self, text: str) -> str:
        """The text with this reader's ports."""
        for name, number in asdict(Ports()).items():
            text = re.sub(rf"\b{number}\b", str(self.ports[name]), text)
        moved = " ".join(f"--set {name}={number}" for name, number in self.ports.items())
        return text.replace("powerctl demo ", f"powerctl demo {moved} ")

    def obey(self, step: Step) -> None:
        """Do what a block says, and look whether it shows what the page says."""
        if "ends" in step.remarks:
            self.interrupt(self.terminals.pop(step.remarks["ends"]))
        if "before" in step.remarks:
            self.run(["bash", "-euo", "pipefail", "-c", self.own(step.remarks["before"])], self.folder)
        if step.title in STAYS:
            self.begin(step)
            return
        where = ROOT if step.in_repository else self.folder
        if step.title.startswith("test_"):
            (self.folder / step.title).write_text(step.text)
            return
        text = self.own(step.text)
        command = ["bash", "-euo", "pipefail", "-c", text] if step.language == "sh" else [sys.executable, "-c", text]
        shown = self.patiently(command, where, step) if "eventually" in step.remarks else self.run(command, where)
        wanted = step.remarks.get("shows") or step.remarks.get("eventually")
        assert wanted is None or re.search(wanted, shown), f"{step.text}\nshows\n{shown}\nand not {wanted}"

    def run(self, command: list[str], where: Path) -> str:
        done = subprocess.run(
            command, cwd=where, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}\n{self.heard()}"
        return done.stdout

    def patiently(self, command: list[str], where: Path, step: Step) -> str:
        """The command again and again, as a person would, until it shows what it should."""
        until = time.monotonic() + PATIENCE_S
        while True:
            shown = self.run(command, where)
            if re.search(step.remarks["eventually"], shown) or time.monotonic() > until:
                return shown
            time.sleep(0.5)

    def begin(self, step: Step) -> None:
        """Start what stays, and wait until it says that it is ready."""
        program = subprocess.Popen(
            ["bash", "-c", f"exec {self.own(step.text).strip()}"],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.terminals[step.title] = program
        lines = self.said.setdefault(program.pid, [])
        threading.Thread(target=_gather, args=(program, lines), daemon=True).start()
        ready, until = step.remarks.get("ready", ""), time.monotonic() + PATIENCE_S
        while ready and not re.search(ready, "".join(lines)):
            assert program.poll() is None, f"{step.text}\nended\n{''.join(lines)}"
            assert time.monotonic() < until, f"{step.text}\nis not ready\n{''.join(lines)}"
            time.sleep(0.05)

    def heard(self) -> str:
        return "\n".join("".join(lines[-30:]) for lines in self.said.values())

    def leave(self) -> None:
        """Press Ctrl-C in every terminal, the last one first."""
        for program in reversed(self.terminals.values()):
            self.interrupt(program)

    def interrupt(self, program: subprocess.Popen[str]) -> None:
        if program.poll() is None:
            program.send_signal(signal.SIGINT)
            try:
                program.wait(30)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


def _gather(program: subprocess.Popen[str], lines: list[str]) -> None:
    assert program.stdout is not None
    with program.stdout as out:
        lines.extend(out)


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path, free_ports())
    yield reader
    reader.leave()


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works_as_it_is_written(page: Path, reader: Reader) -> None:
    text = page.read_text()
    if "mbpoll -m" in text and shutil.which("mbpoll") is None:
        pytest.skip("needs mbpoll; on Debian: apt-get install mbpoll")
    for step in steps(text):
        reader.obey(step)


def test_there_is_a_tutorial_for_every_kind_of_user() -> None:
    kinds = {"utility-engineer", "operator", "app-developer", "charger-maker", "contributor"}
    assert {page.stem for page in TUTORIALS} == kinds
