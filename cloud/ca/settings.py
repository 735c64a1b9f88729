"""The table `[cloud.ca]`: the authority that signs stations."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from powerctl.runtime.settings import Section


class CaSettings(Section):
    """The authority that signs stations, and the broker that believes it."""

    folder: Path
    """`ca.pem` and `ca.key`, made by `powerctl-cloud ca init`; whoever has the key can be any station."""
    organisation: str = Field(min_length=1, max_length=60)
    """The operator's name, in every station's certificate."""
    days: float = Field(default=90.0, gt=0, le=825)
    """Life of a certificate; a station renews it when a third is left."""
    broker_users: Path | None = None
    """File for NATS with the subjects that may connect. None: not written."""
    broker_revoked: Path | None = None
    """File for Mosquitto with the revoked certificates. None: not written."""
    broker_pid: Path | None = None
    """File with the broker's process id, which is sent SIGHUP when one of these files has changed. None: nobody is."""
