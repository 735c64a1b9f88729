"""Receipts as files: signed (OCMF), for programs (JSON), for people (PDF); and the check that needs only the file."""
