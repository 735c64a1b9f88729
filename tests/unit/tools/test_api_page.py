"""The page of services says what protos and policy say."""

from __future__ import annotations

from cloud.domain.policy import POLICY
from tools.api_page import described, page, who


def test_every_method_with_a_policy_is_on_the_page_with_its_roles() -> None:
    text = page(described())
    for method in POLICY:
        line = next(line for line in text.splitlines() if line.startswith(f"| `{method.rpartition('/')[2]}` | [`"))
        assert line
    assert who("/powerctl.v1.IdentityService/SignIn") == "anyone"
    assert who("/powerctl.v1.LocationService/GetLocation") == "all roles"
    assert who("/powerctl.v1.AuditService/VerifyAuditLog") == "admin, auditor"


def test_a_fields_comment_is_its_meaning() -> None:
    text = page(described())
    create = text.partition("### CreateReservationRequest")[2].partition("###")[0]
    assert "| `power_w` = 4 | `double` | Watts DC. Zero: whatever is left. |" in create
