"""Write `docs/reference/settings.md` from the settings models; with `--check`, fail when it differs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from cloud.settings import CloudSettings
from edge.control.settings import EdgeSettings
from edge.uplink.settings import UplinkSettings
from powerctl.app.manager_settings import ManagerSettings
from powerctl.runtime.settings import Section
from powerctl.runtime.station import StationSettings
from tools.generated import ROOT, write_or_compare

PAGE = ROOT / "docs" / "reference" / "settings.md"
HEAD = """\
# Settings

Generated from the settings models by `make docs`; never edited.

A station has one TOML file with the tables `[station]`, `[manager]`, `[edge]` and `[uplink]`; the back end has a file
of its own with `[cloud]`. Settings are read once. An unknown key is refused, and what bears on safety has no default:
**required** means that only the installer can know it. `powerctl check --config FILE` says in words what a file makes
the station do. [Write a station file](../how-to/write-a-station-file.md) walks through one.
"""
TABLES: Mapping[str, type[Section]] = {
    "station": StationSettings,
    "manager": ManagerSettings,
    "edge": EdgeSettings,
    "uplink": UplinkSettings,
    "cloud": CloudSettings,
}
BOUNDS = {"exclusiveMinimum": "above", "minimum": "at least", "exclusiveMaximum": "below", "maximum": "at most"}
WORDS = {"object": "table", "boolean": "true or false"}


def one_line(text: str) -> str:
    """A docstring as the cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


class Page:
    """Collects one table per settings table, the outer one before those it contains."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._named = schema.get("$defs", {})

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema that a reference or an optional stands for."""
        if "$ref" in schema:
            return self.resolved(self._named[schema["$ref"].rpartition("/")[2]])
        choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
        return self.resolved(choices[0]) if len(choices) == 1 else schema

    def table(self, path: str, schema: Mapping[str, Any]) -> Iterator[str]:
        """Lines of one table, and of the tables below it."""
        yield f"### `{path}`"
        yield ""
        if "description" in schema:
            yield one_line(schema["description"])
            yield ""
        yield "| Key | Type | Default | Meaning |"
        yield "|---|---|---|---|"
        inner: list[tuple[str, Mapping[str, Any]]] = []
        for key, field in schema.get("properties", {}).items():
            shape = self.resolved(field)
            inner += self.below(path.strip("[]"), key, shape)
            yield self.row(key, field, shape, is_required=key in schema.get("required", ()))
        yield ""
        for deeper, shape in inner:
            yield from self.table(deeper, shape)

    def below(self, path: str, key: str, shape: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The tables that a key holds: one, an array of them, or none."""
        if "properties" in shape:
            yield f"[{path}.{key}]", shape
        elif shape.get("type") == "array" and "properties" in (item := self.resolved(shape.get("items", {}))):
            yield f"[[{path}.{key}]]", item

    def row(self, key: str, field: Mapping[str, Any], shape: Mapping[str, Any], *, is_required: bool) -> str:
        """One key."""
        default = "**required**" if is_required else self.default(field, shape)
        meaning = one_line(field.get("description") or ("" if "properties" in shape else shape.get("description", "")))
        bounds = ", ".join(f"{text} {shape[word]:.10g}" for word, text in BOUNDS.items() if word in shape)
        return f"| `{key}` | {self.type_of(shape)}{f', {bounds}' if bounds else ''} | {default} | {meaning} |"

    def default(self, field: Mapping[str, Any], shape: Mapping[str, Any]) -> str:
        """What holds when the key is absent, as TOML would write it."""
        value = field.get("default")
        if "properties" in shape:
            return "absent" if value is None else "see below"
        return "absent" if value is None else f"`{json.dumps(value)}`"

    def type_of(self, shape: Mapping[str, Any]) -> str:
        """A word or two that a person who writes TOML understands."""
        if "enum" in shape or "const" in shape:
            return " or ".join(f"`{json.dumps(value)}`" for value in shape.get("enum", [shape.get("const")]))
        if "properties" in shape:
            return "table"
        if "anyOf" in shape:
            return " or ".join(dict.fromkeys(self.type_of(self.resolved(choice)) for choice in shape["anyOf"]))
        if shape.get("type") == "array":
            item = self.resolved(shape.get("items", {}))
            return "array of tables" if "properties" in item else "array"
        kind = "path" if shape.get("format") == "path" else str(shape.get("type", "value"))
        return WORDS.get(kind, kind)


def page(tables: Mapping[str, type[Section]]) -> str:
    """The whole page."""
    lines = [HEAD]
    for name, model in tables.items():
        schema = model.model_json_schema(by_alias=True)
        lines += [f"## {name}", "", *Page(schema).table(f"[{name}]", schema)]
    return "\n".join(lines).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    """Write, or compare. Exit status 1: the page is not what the models say."""
    return write_or_compare(arguments, {PAGE: page(TABLES)}, "the models of settings")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
