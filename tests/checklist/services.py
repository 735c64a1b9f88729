"""Every method that the protos of this product declare for the public API."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import powerctl.v1

NOT_PUBLIC = {"DispatchService", "GridSignalsService"}
"""Services inside a station."""


def _services() -> Iterator[Any]:
    for module in pkgutil.iter_modules(powerctl.v1.__path__):
        if module.name.endswith("_pb2"):
            yield from importlib.import_module(f"powerctl.v1.{module.name}").DESCRIPTOR.services_by_name.values()


PUBLIC_SERVICES = [service for service in _services() if service.name not in NOT_PUBLIC]
METHODS = sorted(f"/{service.full_name}/{method.name}" for service in PUBLIC_SERVICES for method in service.methods)
