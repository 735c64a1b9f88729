"""Flexibility in the registers."""

from __future__ import annotations

from powerctl.core.record import FlexibilitySpan
from powerctl.signals.forecast import SPANS, forecast
from powerctl.signals.image import Image
from powerctl.signals.register_map import REGISTER_MAP


def _image() -> Image:
    image = Image(REGISTER_MAP)
    image.put_all({"64304.W_SF": 1, "64304.Pct_SF": 0})
    return image


def test_now_and_the_next_hour_are_read_and_the_rest_is_not_known() -> None:
    image = _image()
    spans = (FlexibilitySpan(0, 8000, 7900, 0, 100), FlexibilitySpan(3600, 5000, 5000, 2000, 55))
    for path, value in forecast(spans, 1_780_000_000).items():
        image.put_scaled(path, value)
    assert image.get("64304.NSpn") == SPANS
    assert [image.get(f"64304.Spn.0.{name}") for name in ("BgnS", "ExpW", "DnW", "UpW", "Cnf")] == [0, 800, 790, 0, 100]
    assert [image.get(f"64304.Spn.1.{name}") for name in ("BgnS", "ExpW", "Cnf")] == [3600, 500, 55]
    assert image.get("64304.Spn.2.ExpW") is None
    assert image.get("64304.UpdTms") == 1_780_000_000


def test_a_span_that_is_known_no_more_disappears() -> None:
    image = _image()
    for spans in ((FlexibilitySpan(0, 8000, 7900, 0, 100),), ()):
        for path, value in forecast(spans, 0).items():
            image.put_scaled(path, value)
    assert image.get("64304.Spn.0.DnW") is None
