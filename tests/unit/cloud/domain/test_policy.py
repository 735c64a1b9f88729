"""Who may call what."""

from __future__ import annotations

import pytest

from cloud.domain.policy import POLICY, admit
from cloud.domain.refusal import Refusal, Why
from powerctl.v1 import identity_pb2, location_pb2, receipt_pb2, session_pb2, watch_pb2
from tests.unit.cloud.stories import ANNA, OPAL

PUBLIC = {"/powerctl.v1.IdentityService/SignIn"}
METHODS = sorted(
    f"/{service.full_name}/{method.name}"
    for module in (identity_pb2, location_pb2, receipt_pb2, session_pb2, watch_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
)


def test_every_method_has_a_row_and_every_row_a_method() -> None:
    assert sorted(POLICY) == METHODS


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_signing_in_is_open_to_strangers(method: str) -> None:
    if method in PUBLIC:
        admit(method, None)
        return
    with pytest.raises(Refusal) as refusal:
        admit(method, None)
    assert refusal.value.why is Why.UNAUTHENTICATED


@pytest.mark.parametrize("method", METHODS)
def test_drivers_and_operators_may_call_every_method_of_the_public_api(method: str) -> None:
    admit(method, ANNA)
    admit(method, OPAL)


def test_a_method_without_a_row_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        admit("/powerctl.v1.SessionService/DeleteSession", OPAL)
    assert refusal.value.why is Why.PERMISSION_DENIED
