"""What is encoded once is what would be encoded each time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cloud.api.encode import Encoder
from cloud.api.encoded import EncodedOnce
from cloud.domain import session as reducer
from cloud.domain.session import Session, SessionState
from tests.unit.cloud.stories import ANNA, BERT, LEFT, OPAL, SESSION, STATION, TARIFF, at, began, over, reading

ENCODER = Encoder(lambda: TARIFF)
OPEN = Session(SESSION, STATION, LEFT, driver=ANNA.user)
RUNNING = reducer.started(replace(OPEN, state=SessionState.PENDING), began(), TARIFF)
ENDED = reducer.ended(RUNNING, over(reading(1_000, 1), reading(3_500, 31)), TARIFF)


def test_each_caller_sees_what_the_caller_may_do() -> None:
    encoded = EncodedOnce(ENCODER)
    pending = replace(OPEN, state=SessionState.PENDING)
    for session in (OPEN, pending, RUNNING, ENDED):
        for caller in (ANNA, BERT, OPAL, ANNA):
            for now in (at(10), at(40)):
                assert encoded.session(session, caller, now) == ENCODER.session(session, caller, now)
    assert encoded.session(pending, ANNA, at(0)).stoppable
    assert not encoded.session(pending, BERT, at(0)).stoppable


def test_a_session_that_costs_no_more_is_encoded_once() -> None:
    encoded = EncodedOnce(ENCODER)
    assert encoded.session(ENDED, ANNA, at(40)) is encoded.session(ENDED, BERT, at(50))
    running = encoded.session(RUNNING, ANNA, at(40))
    assert running is encoded.session(RUNNING, ANNA, at(40) + timedelta(milliseconds=900)), "the same second"
    assert running is not encoded.session(RUNNING, ANNA, at(40) + timedelta(seconds=1)), "its cost grows"
    assert encoded.session(replace(ENDED, receipt="r"), ANNA, at(50)).receipt == "receipts/r"
