"""What holds for the repository as a whole: nothing private, nothing overgrown, nothing unexplained, no dead link."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ("powerctl/v1/", "cloud/web/dist/", "cloud/web/src/gen/", "cloud/web/package-lock.json")
LARGEST_FILE = 400
"""Lines. A longer file has more than one subject."""
KNOWN_HOSTS = {
    "127.0.0.1",
    "localhost",
    "www.apache.org",
    "www.w3.org",
    "keepachangelog.com",
    "semver.org",
    "api.stripe.com",
    "github.com",
    "www.sphinx-doc.org",
}
"""Hosts that a committed file may name. A package index is never among them: whoever installs chooses it."""
EXAMPLE_HOST = re.compile(r"(^|\.)(example|test|invalid|local|localhost)(\.(com|org|net))?$")
ADDRESS = re.compile(r"\b(?:https?|git|ssh)://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
# Written in pieces, so that this file does not find itself.
PRIVATE_PATH = re.compile(
    "(?<![A-Za-z0-9_.])/(?:" + "|".join(["ho" + "me", "Us" + "ers", "ro" + "ot", "wo" + "rk"]) + ")/[a-z]"
)
SECRET = re.compile("-----BEGIN [A-Z ]*PRIVATE" + " KEY-----|\\b(?:AKIA|ghp_|glpat-)[A-Za-z0-9]{16}")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file under version control that still exists."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return tuple(path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file())


@cache
def texts() -> dict[str, str]:
    """Every tracked text file: its path from the root, and what it says."""
    found = {}
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found[str(path.relative_to(ROOT))] = content.decode("utf-8")
    return found


def authored() -> dict[str, str]:
    """Text files that people write."""
    return {name: text for name, text in texts().items() if not name.startswith(GENERATED)}


def places(pattern: re.Pattern[str], files: dict[str, str]) -> list[str]:
    """`file:line: match` of every match."""
    return [
        f"{name}:{number}: {match.group(0)}"
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def test_no_file_names_a_host_that_is_not_known() -> None:
    unknown = [
        place
        for place in places(ADDRESS, authored())
        if (host := place.rpartition("//")[2]) not in KNOWN_HOSTS and not EXAMPLE_HOST.search(host)
    ]
    assert unknown == []


@pytest.mark.parametrize("name", ["requirements/demo.txt", "requirements/dev.txt", "cloud/web/package-lock.json"])
def test_a_lock_holds_no_address_to_install_from(name: str) -> None:
    if name not in texts():
        pytest.skip(f"{name} is not there")
    assert (
        places(re.compile(r'"resolved":.*|--(?:extra-)?index-url.*|--find-links.*| @ \S+://.*'), {name: texts()[name]})
        == []
    )


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert places(PRIVATE_PATH, texts()) == []


def test_no_file_holds_a_secret() -> None:
    assert places(SECRET, texts()) == []


def product_modules() -> dict[str, str]:
    return {
        name: text
        for name, text in authored().items()
        if name.endswith(".py") and name.startswith(("powerctl/", "edge/", "cloud/"))
    }


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, text in product_modules().items() if not ast.get_docstring(ast.parse(text))] == []


def test_no_file_outgrows_its_subject() -> None:
    code = {name: text for name, text in authored().items() if name.endswith((".py", ".ts", ".tsx", ".proto"))}
    assert {n: lines for n, t in code.items() if (lines := len(t.splitlines())) > LARGEST_FILE} == {}


HANDED_ON = {"powerctl/runtime/mqtt.py"}
"""A callback under a C-like caller keeps what it caught, and its owner raises it on the loop."""


def swallowing_handlers(text: str) -> list[int]:
    """Lines of handlers that catch everything and do not raise."""
    everything = {None, "Exception", "BaseException"}
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in everything))
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]


def test_nothing_swallows_our_own_mistakes() -> None:
    judged = {name: text for name, text in product_modules().items() if name not in HANDED_ON}
    assert {name: lines for name, text in judged.items() if (lines := swallowing_handlers(text))} == {}


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def dead_links(name: str, text: str) -> list[str]:
    """Relative links of a page that lead nowhere."""
    targets = [match.group(1).partition("#")[0] for match in LINK.finditer(text)]
    local = [target for target in targets if target and not re.match(r"[a-z]+:", target)]
    return [f"{name}: {target}" for target in local if not (ROOT / name).parent.joinpath(target).exists()]


def test_no_page_has_a_dead_link() -> None:
    pages = {name: text for name, text in authored().items() if name.endswith(".md")}
    assert [link for name, text in pages.items() for link in dead_links(name, text)] == []


def test_every_decision_is_listed_and_has_the_same_sections() -> None:
    records = sorted(name for name in authored() if re.match(r"docs/adr/\d{4}-", name))
    index = texts()["docs/adr/README.md"]
    assert records
    for name in records:
        assert Path(name).name in index, f"{name} is not in the list"
        sections = re.findall(r"^## (.+)$", texts()[name], re.MULTILINE)
        assert sections == ["Context", "Decision", "Consequences"], name


def test_every_package_has_a_name_in_the_architecture() -> None:
    page = texts()["docs/architecture.md"]
    packages = {
        f"{path.parent.relative_to(ROOT)}/"
        for path in tracked()
        if path.name == "__init__.py"
        and len(path.relative_to(ROOT).parts) == 3
        and path.relative_to(ROOT).parts[0] != "tests"
    }
    assert sorted(p for p in packages if p not in page and not p.startswith("tools/")) == []
