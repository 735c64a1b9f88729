"""Settings about money: the tariff, the payment provider, receipts and how long they are kept."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from cloud.domain.retention import Retention
from cloud.domain.tariff import (
    DAYS,
    Component,
    Dimension,
    Element,
    PriceLimit,
    ReservationRestriction,
    Restrictions,
    Tariff,
)
from powerctl.runtime.settings import Section


def _decimal_text(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("write money as text in quotation marks, for example '0.49'")
    return value


Price = Annotated[Decimal, BeforeValidator(_decimal_text), Field(ge=0, le=10_000, max_digits=12, decimal_places=6)]
Bound = Annotated[Decimal, Field(ge=0, le=1_000_000)]


class ComponentSettings(Section):
    """A price per unit of one dimension."""

    dimension: Dimension
    price: Price
    """Per kWh, per hour, or once."""
    vat: Price | None = None
    """Percent. Left out: the tariff's `tax_percent`."""
    step_size: int = Field(default=1, ge=1, le=86_400)
    """What is used is billed in whole blocks of so many Wh or seconds."""


class ElementSettings(Section):
    """Prices that hold together under restrictions; per dimension the first element that holds counts."""

    component: tuple[ComponentSettings, ...] = Field(min_length=1)
    start_time: time | None = None
    """Local time of day in `time_zone`."""
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_kwh: Bound | None = None
    max_kwh: Bound | None = None
    min_current: Bound | None = None
    max_current: Bound | None = None
    min_power: Bound | None = None
    """Kilowatts."""
    max_power: Bound | None = None
    min_duration: int | None = Field(default=None, ge=0)
    """Seconds since the session began."""
    max_duration: int | None = Field(default=None, ge=0)
    day_of_week: tuple[Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"], ...] = ()
    reservation: ReservationRestriction | None = None

    def element(self) -> Element:
        """The element as a domain value."""
        given: dict[str, Any] = self.model_dump(exclude={"component", "day_of_week"})
        components = tuple(Component(one.dimension, one.price, one.vat, one.step_size) for one in self.component)
        return Element(components, Restrictions(**given, day_of_week=frozenset(self.day_of_week) & frozenset(DAYS)))


class PriceLimitSettings(Section):
    """A bound on what a session costs."""

    before_taxes: Price
    after_taxes: Price | None = None

    def limit(self) -> PriceLimit:
        """The bound as a domain value."""
        return PriceLimit(self.before_taxes, self.after_taxes)


class TariffSettings(Section):
    """What charging costs from now on; sessions that have started keep their price."""

    name: str = Field(min_length=1, max_length=100)
    currency: str = Field(pattern="^[A-Z]{3}$")
    energy_price_per_kwh: Price
    session_fee: Price = Decimal(0)
    price_per_minute: Price = Decimal(0)
    tax_percent: Price = Decimal(0)
    tax_included: bool = True
    description: str = Field(default="", max_length=250)
    element: tuple[ElementSettings, ...] = Field(default=(), max_length=100)
    """OCPI's tariff elements. With them the plain prices above are only what is shown in one line."""
    min_price: PriceLimitSettings | None = None
    max_price: PriceLimitSettings | None = None
    preauthorize_amount: Price = Decimal(50)
    """Held on the driver's card before charging, where charging is paid for."""

    def tariff(self, time_zone: str = "UTC") -> Tariff:
        """The tariff as a domain value."""
        plain = self.model_dump(exclude={"element", "min_price", "max_price"})
        return Tariff(
            **plain,
            elements=tuple(one.element() for one in self.element),
            min_price=self.min_price.limit() if self.min_price else None,
            max_price=self.max_price.limit() if self.max_price else None,
            time_zone=time_zone,
        )


class PaymentSettings(Section):
    """How drivers pay."""

    provider: Literal["none", "fake", "stripe"] = "none"
    """none: charging needs no payment. fake: a provider of our own, with which nobody pays anything."""
    secret_key_file: Path | None = None
    """File with the provider's secret key."""
    webhook_secret_file: Path | None = None
    """File with the secret that the provider signs webhooks with."""
    publishable_key: str = ""
    """The provider's key for clients."""
    address: str = "https://api.stripe.com"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.provider == "stripe" and (self.secret_key_file is None or self.webhook_secret_file is None):
            raise ValueError("stripe needs secret_key_file and webhook_secret_file")
        return self


class ReceiptSettings(Section):
    """What drivers are given, and for how long it is kept."""

    signing_key: Path | None = None
    """PEM file with a P-256 private key that signs receipts. Left out: receipts are not signed."""
    issuer: str = Field(default="", max_length=500)
    """Name, address and tax number of who sells, one line each."""
    years: int = Field(default=10, ge=10, le=100)
    """Kept after the end of the calendar year."""
    identity_years: int = Field(default=8, ge=1, le=100)
    """After so many years nothing says any more whose a receipt was."""

    def retention(self) -> Retention:
        """The policy as a domain value."""
        return Retention(receipt_years=self.years, identity_years=self.identity_years)
