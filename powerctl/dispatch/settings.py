"""The dispatch part of the `[manager]` table."""

from __future__ import annotations

from pydantic import Field

from powerctl.runtime.settings import Section, TlsFiles


class DispatchSettings(Section):
    """Where charging controllers dial in. Mutual TLS only: their common name must be the station's id."""

    host: str = "127.0.0.1"
    port: int = Field(default=50061, ge=0, le=65535)
    """0: any free port."""
    tls: TlsFiles
