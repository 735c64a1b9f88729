"""The rows of the checklist: which of them this product answers for, and why not for the others."""

from __future__ import annotations

from typing import Final

LAST: Final = 62
NOT_OURS: Final = {
    35: "Secure boot and measured state are the computer's; the report of the configuration's digest is row 60.",
    55: "No test can tell whether a report of a hole is answered; SECURITY.md says how to send one.",
}
OURS: Final = frozenset(range(1, LAST + 1)) - set(NOT_OURS)
