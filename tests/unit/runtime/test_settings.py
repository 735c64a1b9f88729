"""Settings refuse what they do not know and say where, why and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from powerctl.core.errors import ConfigError
from powerctl.runtime.settings import Section, load


class Sample(Section):
    port: int = Field(ge=1, le=65535)
    name: str = "x"


def written(folder: Path, text: str) -> Path:
    path = folder / "station.toml"
    path.write_text(text)
    return path


def refusal(path: Path, model: type[Section] = Sample) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        load(path, {"edge": model})
    return refused.value


def test_a_table_is_read_and_frozen(tmp_path: Path) -> None:
    sample = load(written(tmp_path, "[edge]\nport = 5\n"), {"edge": Sample})["edge"]
    assert (sample.port, sample.name) == (5, "x")
    with pytest.raises(ValueError, match="frozen"):
        sample.port = 6


def test_tables_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    assert load(written(tmp_path, "[edge]\nport = 5\n[manager]\nanything = 1\n"), {"edge": Sample})


@pytest.mark.parametrize(
    ("text", "where", "why", "remedy"),
    [
        ("[edge]\n", "edge.port", "is missing", "Add it"),
        ("[edge]\nport = 5\nprot = 6\n", "edge.prot", "is not a known key", "spelling"),
        ("[edge]\nport = 0\n", "edge.port", "greater than or equal to 1", "Correct"),
        ("[egde]\nport = 5\n[edge]\nport = 5\n", "egde", "is not a known table", "[edge]"),
        ("[manager]\n", "edge", "is missing", "Add the table [edge]"),
        ("[edge\n", "station.toml", "is not TOML", "Correct that line"),
        ("[edge]\nport = 0\nprot = 1\n", "edge.prot", "", "1 more to correct"),
    ],
)
def test_a_refusal_names_place_reason_and_remedy(tmp_path: Path, text: str, where: str, why: str, remedy: str) -> None:
    error = refusal(written(tmp_path, text))
    assert where in error.where
    assert why in error.why
    assert remedy in error.remedy


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = refusal(tmp_path / "absent.toml")
    assert "No such file" in error.why
    assert "--config" in error.remedy


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refusal(path).why
