"""Rows of the security and reliability checklist, a file per subject; tests are named after their row."""
