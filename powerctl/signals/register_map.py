"""The station's register map: 909 registers from 40000, the same behind every Modbus front end."""

from __future__ import annotations

from typing import Final

from powerctl.signals.forecast import FORECAST
from powerctl.signals.layout import Layout
from powerctl.signals.sunspec import SUNSPEC_MODELS
from powerctl.signals.vendor import VENDOR_MODELS

OWN_MODELS: Final = (*VENDOR_MODELS, FORECAST)
MODELS: Final = (*SUNSPEC_MODELS, *OWN_MODELS)
REGISTER_MAP: Final = Layout(MODELS)
