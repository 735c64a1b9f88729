"""The OpenAPI description says what the protos say."""

from __future__ import annotations

import json
from typing import Any

from cloud.api.openapi import document
from cloud.domain.policy import POLICY
from tools.openapi import PAGE


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].rpartition("/")[2]} if "$ref" in value else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_committed_file_is_that_of_the_protos() -> None:
    assert json.loads(PAGE.read_text()) == document()


def test_every_unary_method_is_described_and_every_reference_resolves() -> None:
    made = document()
    assert set(POLICY) - set(made["paths"]) == {"/powerctl.v1.WatchService/Watch"}
    assert references(made) <= set(made["components"]["schemas"])


def test_only_what_is_open_to_strangers_needs_no_token() -> None:
    open_ones = {name for name, item in document()["paths"].items() if not item["post"]["security"]}
    assert "/powerctl.v1.IdentityService/SignInWithPassword" in open_ones
    assert "/powerctl.v1.SessionService/StartSession" not in open_ones


def test_values_have_the_form_of_protojson() -> None:
    receipt = document()["components"]["schemas"]["Receipt"]["properties"]
    assert receipt["energyWh"] == {"type": "string", "format": "int64"}
    assert receipt["issueTime"]["format"] == "date-time"
    assert receipt["lines"]["type"] == "array"
