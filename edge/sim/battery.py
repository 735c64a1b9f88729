"""A battery: voltage, energy, and the current that it takes. Numeric kernel: plain floats with the unit as suffix."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.sim.models import VehicleModel, on_curve


@dataclass(frozen=True, slots=True)
class Battery:
    """A car's battery at one instant."""

    model: VehicleModel
    soc_percent: float
    capacity_kwh: float
    """Usable."""
    current_a: float = 0.0
    """Flowing in."""

    @property
    def open_v(self) -> float:
        """Voltage without current."""
        return on_curve(self.model.open_voltage, self.soc_percent)

    @property
    def voltage_v(self) -> float:
        """Voltage at the terminals."""
        return self.open_v + self.model.resistance_ohm * self.current_a

    def wish_a(self) -> float:
        """The current it takes now: by its power curve (CC), and no more than holds the target voltage (CV)."""
        by_power = on_curve(self.model.power_kw, self.soc_percent) * 1000.0 / self.voltage_v
        by_voltage = (self.model.target_voltage_v - self.open_v) / self.model.resistance_ohm
        return max(0.0, min(by_power, by_voltage))

    def charged(self, current_a: float, dt_s: float) -> Battery:
        """The battery after `current_a` flowed in for `dt_s`."""
        energy_kwh = self.open_v * current_a * dt_s / 3.6e6
        soc = min(100.0, self.soc_percent + 100.0 * energy_kwh / self.capacity_kwh)
        return replace(self, soc_percent=soc, current_a=current_a)
