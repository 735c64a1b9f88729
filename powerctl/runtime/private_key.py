"""A private key that others could read is no private key: programs of a station do not start with one."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from powerctl.core.errors import ConfigError

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def check_private(path: Path, setting: str) -> None:
    """Refuse a key file that is another user's, or open to others.

    Raises:
        ConfigError: It is, or it cannot be looked at.
    """
    try:
        found = path.stat()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(setting, f"{path} cannot be read: {reason}.", "Give it a readable PEM file.") from error
    if found.st_mode & OTHERS:
        raise ConfigError(
            setting, f"{path} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}).", f"chmod 600 {path}"
        )
    if found.st_uid != os.geteuid():
        raise ConfigError(setting, f"{path} belongs to another user.", "Give it to the user of this program.")
