"""Two unlike vehicles on one controller and one cabinet, through everything that makes their power smaller."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.hardware.modules.simulated import ModuleFault
from powerctl.core.record import FaultRaised, TransactionEnded
from powerctl.core.session import ConnectorState, StopReason
from tests.integration.edge.pair import PairSite
from tests.integration.edge.site import running

pytestmark = pytest.mark.integration

NEAR_W = 350.0
"""An ampere, or the meter's tolerance."""


async def test_two_unlike_vehicles_go_through_a_dip_a_module_failure_and_a_taper_without_a_fault(
    tmp_path: Path,
) -> None:
    async with running(PairSite(tmp_path, "outlander", each=2)) as site:
        await site.until(lambda: all(report.max_power.w > 10_000 for report in site.both), 60)
        site.manager.grant(11_000)
        await site.both_charge()

        site.manager.grant(4_000, settle_s=5.0)  # the grid dips
        await site.until(lambda: all(2_000 < report.power.w <= 4_000 + NEAR_W for report in site.both), 60)
        site.manager.grant(11_000)
        await site.until(lambda: all(report.power.w > 9_000 for report in site.both), 60)

        site.breaks(1, ModuleFault.HOT)  # one of the left outlet's two
        await site.until(lambda: 3_000 < site.both[0].power.w <= 5_500 + NEAR_W, 60)
        site.breaks(1, None)
        await site.until(lambda: site.both[0].power.w > 9_000, 60)

        site.second_car.say(do="soc", value=96)  # the right battery tapers, and is full
        await site.until(lambda: 3_000 < site.both[1].power.w < 7_500, 60)
        site.second_car.say(do="soc", value=99.98)
        await site.until(lambda: site.both[1].state is ConnectorState.FINISHED, 120)
        assert site.both[0].state is ConnectorState.CHARGING
        assert site.records(TransactionEnded)[-1].stop_reason is StopReason.VEHICLE
        assert site.records(FaultRaised) == []
