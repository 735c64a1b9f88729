"""Signed tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cloud.api.tokens import Tokens
from cloud.domain.refusal import Refusal
from powerctl.core.clock import ManualClock
from tests.unit.cloud.stories import ANNA, NOON

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(utc=NOON)


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(KEY, clock)


def test_an_access_token_lives_for_a_quarter_of_an_hour(tokens: Tokens, clock: ManualClock) -> None:
    token, access = tokens.access(ANNA, "s1")
    assert tokens.read_access(token) == access
    clock.advance(15 * 60 - 1)
    assert tokens.read_access(token).principal == ANNA
    clock.advance(1)
    with pytest.raises(Refusal):
        tokens.read_access(token)


def test_no_token_outlives_its_sign_in(tokens: Tokens, clock: ManualClock) -> None:
    clock.advance(12 * 3600 - 60)
    _, access = tokens.access(ANNA, "s1", NOON)
    assert access.expire_time == NOON + timedelta(hours=12)


def test_a_sign_in_token_carries_the_person_and_an_id(tokens: Tokens) -> None:
    sign_in = tokens.read_sign_in(tokens.sign_in(ANNA, "j1", timedelta(minutes=5)))
    assert (sign_in.id, sign_in.principal, sign_in.expire_time) == ("j1", ANNA, NOON + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("algorithm", "key"), [("none", None), ("HS256", "guessed-secret-of-thirty-two-bytes!"), ("ES256", "other")]
)
def test_other_algorithms_and_keys_are_refused(tokens: Tokens, algorithm: str, key: str | None) -> None:
    claims = jwt.decode(tokens.access(ANNA, "s1")[0], options={"verify_signature": False})
    signer: Any = ec.generate_private_key(ec.SECP256R1()) if key == "other" else key
    forged = jwt.encode({**claims, "role": "operator"}, signer, algorithm=algorithm)
    with pytest.raises(Refusal):
        tokens.read_access(forged)


@pytest.mark.parametrize("token", ["", "a.b.c", "eyJhbGciOiJFUzI1NiJ9..", "é"])
def test_what_is_no_token_is_refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(Refusal):
        tokens.read_access(token)
