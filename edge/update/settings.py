"""The `[uplink.update]` table: whose software the station takes, and where it keeps it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from powerctl.runtime.settings import Section


class UpdateSettings(Section):
    """How the station updates itself."""

    root: Path
    """Folder with both slots; the systemd units start what `current` in it names."""
    keys: tuple[Path, ...] = Field(min_length=1)
    """PEM files with the public keys of whom software is taken from."""
    health: tuple[str, ...] = ("http://127.0.0.1:9466/healthz", "http://127.0.0.1:9467/healthz")
    """Where the programs of a release say whether they are well."""
    healthy_s: float = Field(default=60.0, gt=0, le=3600)
    """So long a release on trial must be well without a break."""
    within_s: float = Field(default=600.0, gt=0, le=86_400)
    """A release that has not been well for long enough by then is rolled back."""
    index: str | None = None
    """Address of the list of releases, https. Absent: nobody asks for updates; they are brought."""
    ca: Path | None = None
    """Whom the certificate at `index` must chain to. Absent: the system's authorities."""

    @field_validator("health")
    @classmethod
    def _http(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not values or not all(value.startswith("http://") for value in values):
            raise ValueError("must be http:// addresses, and at least one")
        return values

    @field_validator("index")
    @classmethod
    def _protected(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError("must begin with https://")
        return value
