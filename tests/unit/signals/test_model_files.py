"""What clients get: model files and the page, both from the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sunspec2 import mdef

import powerctl.signals
from powerctl.signals.layout import Model
from powerctl.signals.model_files import definition
from powerctl.signals.register_map import OWN_MODELS
from tools import register_map

FOLDER = Path(powerctl.signals.__file__).parent / "models"


@pytest.mark.parametrize("model", OWN_MODELS, ids=lambda model: model.id)
def test_a_model_file_is_valid_for_sunspec_clients(model: Model) -> None:
    assert mdef.validate_model_def(definition(model)) == ""


@pytest.mark.parametrize("model", OWN_MODELS, ids=lambda model: model.id)
def test_the_shipped_model_file_is_the_table(model: Model) -> None:
    shipped = json.loads((FOLDER / f"model_{model.id}.json").read_text())
    assert shipped == definition(model), "run `make docs`"


def test_the_page_and_the_files_are_fresh() -> None:
    assert register_map.main(["--check"]) == 0, "run `make docs`"


def test_a_stale_page_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(register_map, "HEAD", "# Another page\n")
    assert register_map.main(["--check"]) == 1
    assert "register-map.md is not what comes of the table of registers" in capsys.readouterr().err
