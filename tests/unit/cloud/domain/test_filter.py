"""Filters and orders as people and programs write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.domain.filter import (
    DEEPEST,
    LONGEST,
    Compare,
    Either,
    Every,
    Filter,
    Not,
    Order,
    Word,
    parse_filter,
    parse_order,
)
from cloud.domain.refusal import Refusal

A, B, C = Compare("a", "=", "1"), Compare("b", ">", "2"), Compare("c", ":", "x y")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Every(())),
        ("  ", Every(())),
        ("harbour", Word("harbour")),
        ('"two words"', Word("two words")),
        (r'"a \"quote\" and a \\"', Word(r'a "quote" and a \ '.strip())),
        ("a=1", A),
        ("a = 1 AND b > 2", Every((A, B))),
        ("a = 1 b > 2", Every((A, B))),
        ("a=1 AND b>2 OR a=1", Every((A, Either((B, A))))),
        ("(a=1 AND b>2) OR a=1", Either((Every((A, B)), A))),
        ('NOT c:"x y"', Not(C)),
        ("-a=1", Not(A)),
        ("- (a=1)", Not(A)),
        ("a<=-1", Compare("a", "<=", "-1")),
        ("word a != 1", Every((Word("word"), Compare("a", "!=", "1")))),
    ],
)
def test_a_filter_says_what_aip_160_says(text: str, meant: Filter) -> None:
    assert parse_filter(text) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a =", "character 4: something is missing"),
        ("a = = 1", "character 5: = cannot stand"),
        ("= 1", "character 1: = cannot stand"),
        ("(a = 1", "character 7: something is missing"),
        ("a = 1)", r"character 6: \) cannot stand"),
        ("a = 1 OR", "character 9: something is missing"),
        ("a = 1 AND AND b", "character 11: AND cannot stand"),
        ("()", r"character 2: \) cannot stand"),
        ('a = "open', 'character 5: " cannot stand'),
        ("x" * (LONGEST + 1), "at most 500 characters"),
        ("(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1), "at most 10 brackets"),
    ],
)
def test_what_is_no_filter_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        parse_filter(text)


@given(st.text(alphabet=st.sampled_from('ab1 ()<>=!:"\\-ANDORT\n\x00'), max_size=60) | st.text(max_size=60))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    with suppress(Refusal):
        parse_filter(text)


def test_an_order_names_fields() -> None:
    assert parse_order("") == ()
    assert parse_order("health desc, display_name") == (Order("health", True), Order("display_name", False))
    for text in ("name down", "name,,power", "name;drop", "a b c"):
        with pytest.raises(Refusal, match="order_by"):
            parse_order(text)
