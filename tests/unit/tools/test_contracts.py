"""The import rules hold, and the contract that we bring ourselves catches what it is for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tools.contracts import ForbiddenExceptContract

ROOT = Path(__file__).resolve().parents[3]


def test_every_import_contract_is_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def a_product() -> grimp.ImportGraph:
    """Two modules: a core, and a shell that uses a socket."""
    graph = grimp.ImportGraph()
    for name in ("product", "product.core", "product.shell"):
        graph.add_module(name)
    graph.add_module("socket", is_squashed=True)
    graph.add_import(importer="product.shell", imported="socket")
    graph.add_import(importer="product.shell", imported="product.core")
    return graph


def broken(graph: grimp.ImportGraph, exceptions: list[str]) -> list[tuple[str, ...]]:
    options = {"packages": ["product"], "exceptions": exceptions, "forbidden": ["socket"]}
    contract = ForbiddenExceptContract(name="pure", session_options={}, contract_options=options)
    return list(contract.check(graph, verbose=False).metadata["chains"])


def test_a_module_is_pure_until_it_is_named_a_shell() -> None:
    assert broken(a_product(), []) == [("product.shell", "socket")]
    assert broken(a_product(), ["product.shell"]) == []


def test_a_core_may_not_reach_what_is_forbidden_through_a_shell() -> None:
    graph = a_product()
    graph.add_import(importer="product.core", imported="product.shell")
    assert broken(graph, ["product.shell"]) == [("product.core", "product.shell", "socket")]


def test_an_exception_for_a_module_that_is_gone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"product\.gone"):
        broken(a_product(), ["product.gone"])
