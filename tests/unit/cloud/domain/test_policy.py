"""Who may call what."""

from __future__ import annotations

import pytest

from cloud.domain.policy import POLICY, admit
from cloud.domain.refusal import Refusal, Why
from tests.checklist.services import METHODS
from tests.unit.cloud.stories import OPAL

PUBLIC = {
    f"/powerctl.v1.IdentityService/{name}"
    for name in ("SignIn", "SignInWithPassword", "SignUp", "SignInAsGuest", "RefreshAccess")
} | {f"/powerctl.v1.StationIdentityService/{name}" for name in ("EnrolStation", "RenewStationCertificate")}
"""Each of them proves who calls by what is in the request."""


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


def test_a_method_without_a_row_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        admit("/powerctl.v1.SessionService/DeleteSession", OPAL)
    assert refusal.value.why is Why.PERMISSION_DENIED
