"""CCS: not served by this version. A station file that names it is refused instead of left half working."""

from __future__ import annotations

from powerctl.core.errors import ConfigError
from powerctl.core.ids import ConnectorId


def refuse(where: str, connector: ConnectorId) -> ConfigError:
    """The refusal of a connector of type `ccs`, to be raised by whoever reads the settings.

    Args:
        where: File and key, for example `station.toml: station.connector`.
        connector: The connector that names it.
    """
    return ConfigError(
        where,
        f"Connector {connector} is of type 'ccs', and this version charges by CHAdeMO only.",
        "Set its type to 'chademo', or leave the connector out.",
    )
