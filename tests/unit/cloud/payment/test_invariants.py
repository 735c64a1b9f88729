"""Whatever goes wrong in whatever order: one receipt per session, and money only as the receipt says.

I2 one receipt per ended session; I3 its energy is the difference of the readings; I4 captured at most what was held,
at most once, else everything is let go; I5 a token is of no use after its end.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from cloud.domain.purchase import HoldStatus, PurchaseState
from cloud.domain.refusal import Refusal
from cloud.payment.fake import HOLD_LIFE, Fault
from cloud.store.money_tables import PURCHASES
from powerctl.core.ids import SessionId
from powerctl.core.record import Body, CommandOutcome, CommandResult
from tests.unit.cloud.databases import SqliteFiles
from tests.unit.cloud.payment.shop import PLACE, Shop, new_request, shop
from tests.unit.cloud.stories import ANNA, began, over, plugged, reading, unplugged

FILES: list[SqliteFiles] = []
faults = st.lists(st.sampled_from([None, None, *Fault]), max_size=4)


class ChargingProcess(RuleBasedStateMachine):
    """Drivers, a station, a provider and a worker that act in any order."""

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        address = self.run(FILES[0].new())
        self.here: Shop = self.run(self.stack.enter_async_context(shop(address)))
        self.tokens: list[str] = []
        self.ended: dict[SessionId, int] = {}
        self.session: SessionId | None = None
        self.register = 1_000
        self.begun: Body | None = None

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.run(self.stack.aclose())
            self.loop.close()

    @rule(planned=faults)
    def things_will_go_wrong(self, planned: list[Fault | None]) -> None:
        self.here.provider.faults = deque(planned)

    @rule()
    def a_driver_pays(self) -> None:
        with suppress(Refusal):
            self.tokens.append(self.run(self.here.buys())[1])

    @precondition(lambda self: self.session is None)
    @rule()
    def a_vehicle_is_plugged_in(self) -> None:
        self.session = SessionId(str(uuid.uuid4()))
        self.begun = None
        self.run(self.here.world.reports(*plugged(self.session)))

    @rule(data=st.data())
    def a_driver_starts(self, data: st.DataObject) -> None:
        if not self.tokens:
            return
        token = data.draw(st.sampled_from(self.tokens))
        with suppress(Refusal):
            self.run(self.here.charging.start(*PLACE, new_request(), ANNA, token))

    @rule(accepts=st.booleans())
    def the_station_answers(self, accepts: bool) -> None:
        for _, command in self.here.notebook.sent[-1:]:
            outcome = CommandOutcome.ACCEPTED if accepts else CommandOutcome.REJECTED
            self.run(self.here.world.reports(CommandResult(command.command_id, outcome, "")))

    @precondition(lambda self: self.session is not None and self.begun is None and self.session not in self.ended)
    @rule()
    def metering_begins(self) -> None:
        assert self.session is not None
        self.begun = began(self.register, session=self.session)
        self.run(self.here.world.reports(self.begun))

    @precondition(lambda self: self.begun is not None and self.session not in self.ended)
    @rule(energy=st.integers(0, 20_000), repeats=st.integers(1, 3))
    def metering_ends(self, energy: int, repeats: int) -> None:
        assert self.session is not None
        start = reading(self.register, 1)
        self.register += energy
        end = over(start, reading(self.register, 61), session=self.session)
        for _ in range(repeats):
            self.run(self.here.world.reports(end))
        self.ended[self.session] = energy

    @precondition(lambda self: self.session is not None)
    @rule()
    def the_vehicle_is_unplugged(self) -> None:
        assert self.session is not None
        self.run(self.here.world.reports(*unplugged(self.session)))
        self.session = self.begun = None

    @rule(seconds=st.sampled_from([1, 60, 1_000]))
    def time_passes(self, seconds: int) -> None:
        self.here.world.clock.advance(seconds)
        self.run(self.here.payments.tick())

    @invariant()
    def money_follows_the_receipts(self) -> None:
        if not hasattr(self, "here"):
            return
        receipts = {receipt.session: receipt for receipt in self.run(self.here.world.receipts())}
        assert len(receipts) == len(self.run(self.here.world.receipts())) == len(self.ended)
        for session, energy in self.ended.items():
            assert receipts[session].energy_wh == energy
        for hold in self.here.provider.holds.values():
            assert hold.captured.amount <= hold.authorised.amount
            assert self.here.provider.captures.get(hold.id, 0) == (hold.status is HoldStatus.CAPTURED)

    @rule()
    def in_the_end_everything_is_settled(self) -> None:
        self.here.provider.faults.clear()
        if self.session is not None:
            if self.begun is not None and self.session not in self.ended:
                self.metering_ends(100, 1)
            self.the_vehicle_is_unplugged()
        self.here.world.clock.advance(1_000)
        self.run(self.here.settles(25))
        # A session whose end was never reported stays in review until its hold is about to end.
        self.here.world.clock.advance(HOLD_LIFE.total_seconds() - 12 * 3600)
        self.run(self.here.settles(10))
        purchases = self.run(self._purchases())
        assert [one.state for one in purchases if one.open] == []
        held = [hold for hold in self.here.provider.holds.values() if hold.status is HoldStatus.HELD]
        assert held == []
        for one in purchases:
            if one.state is PurchaseState.CLOSED:
                hold = self.here.provider.holds[one.hold_id]
                assert one.amount is not None
                assert hold.captured.amount == min(one.amount.amount, one.hold.amount)
        assert self.run(self.here.tokens()) == 0
        self.run(self.here.world.reports(*plugged(last := SessionId(str(uuid.uuid4())))))
        for token in self.tokens:
            with pytest.raises(Refusal):
                self.run(self.here.charging.start(*PLACE, new_request(), ANNA, token))
        self.run(self.here.world.reports(*unplugged(last)))

    async def _purchases(self) -> list[Any]:
        async with self.here.world.store.database.read() as connection:
            return list((await connection.execute(select(PURCHASES.c.document))).scalars())


def test_money_is_never_lost_doubled_or_guessed(tmp_path: Path) -> None:
    FILES[:] = [SqliteFiles(tmp_path)]
    process = ChargingProcess.TestCase
    process.settings = settings(
        max_examples=15, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck)
    )
    process().runTest()
