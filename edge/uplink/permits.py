"""Which starts of charging the station believes: those that the back end has signed for it, and no others.

The broker brings a start, and is not believed: whoever has taken it over can neither make a permit, nor use one for
another station, connector, session or command. Offline nobody starts from afar; the button is `edge.local`'s matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from powerctl.core.clock import Clock
from powerctl.core.errors import ConfigError, RemoteError
from powerctl.core.ids import StationId
from powerctl.core.order import StartCharging, StationCommand
from powerctl.runtime.permit import Permit, permit_from_wire, permit_keys_from_wire

NOT_PERMITTED: Final = "start_not_permitted"
"""Code of the security event."""
NONE: Final = "The start carries no permit of the back end. Start again from the app."
FORGED: Final = "The permit of this start was not signed by the back end."
ELSEWHERE: Final = "The permit of this start is for another station."
OTHER_CONNECTOR: Final = "The permit of this start is for another connector."
OTHER_SESSION: Final = "The permit of this start is for another session."
USED: Final = "The permit belongs to another start."
OVER: Final = "The permit of this start has expired. Start again from the app."

Gate = Callable[[StationCommand], str | None]
"""Why a command is not believed, as a sentence; None: it is. May block."""


def why_not(
    permit: Permit, command: StationCommand, start: StartCharging, station: StationId, now: datetime
) -> str | None:
    """Why `permit` does not permit `command`, which is `start`, at `station`, as a sentence. None: it does.

    The clock may be late or early: a permit then ends at another instant, but starts nothing that it was not made for,
    since the station makes the session's id at plug-in.
    """
    wrong = (
        (permit.station != station, ELSEWHERE),
        (permit.connector != start.connector, OTHER_CONNECTOR),
        (permit.session != start.session, OTHER_SESSION),
        (permit.command_id != command.command_id, USED),
        (now >= permit.expire_time, OVER),
    )
    return next((sentence for is_wrong, sentence in wrong if is_wrong), None)


@dataclass(frozen=True, slots=True)
class PermitGate:
    """Looks at each start before the controller hears of it.

    Args:
        station: Who we are.
        keys: The back end's public keys; called for each start, since they change with the certificate. Empty: it has
            named none yet, and a start is believed as the broker brings it.
        clock: Our own.
    """

    station: StationId
    keys: Callable[[], Sequence[ec.EllipticCurvePublicKey]]
    clock: Clock

    def __call__(self, command: StationCommand) -> str | None:
        """Why `command` is not believed, as a sentence. None: it is, or it starts nothing: it is another, or late.

        Raises:
            ConfigError: A file that should hold keys does not.
        """
        now = self.clock.utc()
        if not isinstance(command.action, StartCharging) or now >= command.expire_time:
            return None
        keys = self.keys()
        if not keys:
            return None
        if not command.action.permit:
            return NONE
        try:
            permit = permit_from_wire(command.action.permit, keys)
        except RemoteError:
            return FORGED
        return why_not(permit, command, command.action, self.station, now)


def keys_in(files: Sequence[Path], enrolled: Path | None) -> list[ec.EllipticCurvePublicKey]:
    """The keys by which the back end is known.

    Args:
        files: Those that the installer has named; each must hold one.
        enrolled: The one that came with the certificate; it may be missing. None: nobody has enrolled us.

    Raises:
        ConfigError: A file cannot be read, or holds no such key.
    """
    present = [enrolled] if enrolled is not None and enrolled.exists() else []
    return [key for path in (*files, *present) for key in _keys(path)]


def _keys(path: Path) -> list[ec.EllipticCurvePublicKey]:
    try:
        return permit_keys_from_wire(path.read_bytes())
    except (OSError, RemoteError) as error:
        remedy = "Make the file with `powerctl-cloud permit-key`."
        raise ConfigError("uplink.permit_keys", f"{path} cannot be used: {error}.", remedy) from error
