"""A utility caps a group of stations through the API of a demo in which every program is the real one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.e2e import demo

pytestmark = pytest.mark.integration

STATION = "stations/demo-1"
CAP_W = 4_000.0
SOON_S = 60
T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T | None]]) -> T:
    """The first answer that is not None."""
    async with asyncio.timeout(SOON_S):
        while (found := await look()) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        return found


class Utility:
    """A utility's program: JSON over HTTP, with the token that its link was exchanged for."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def sign_in(self, token: str) -> None:
        given = await self._post("IdentityService/SignIn", {"token": token})
        self._client.headers["authorization"] = f"Bearer {given['accessToken']}"

    async def ask(self, method: str, **fields: Any) -> dict[str, Any]:
        return await self._post(f"UtilityService/{method}", fields)

    async def station(self) -> dict[str, Any] | None:
        """The station's flexibility. None: it has not said yet what it is built for."""
        listed = await self.ask("ListFlexibility")
        return next((one for one in listed["stations"] if one["station"] == STATION and one["ratingW"] > 0), None)

    async def capped(self) -> dict[str, Any] | None:
        """The station while the dispatch is what limits it. None: it is not."""
        found = await self.station()
        return found if found and found["capSource"] == "LIMIT_SOURCE_AGGREGATOR" else None

    async def released(self) -> dict[str, Any] | None:
        """The station while another limits it. None: the dispatch still does."""
        found = await self.station()
        return found if found and found["capSource"] != "LIMIT_SOURCE_AGGREGATOR" else None

    async def complied(self, name: str) -> dict[str, Any] | None:
        """What the station answered, once it has complied. None: not yet."""
        (response,) = (await self.ask("GetFleetCap", name=name))["responses"]
        return response if response.get("complyTime") else None

    async def _post(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        answered = await self._client.post(f"/powerctl.v1.{method}", json=fields)
        assert answered.status_code == 200, answered.text
        content: dict[str, Any] = answered.json()
        return content


async def test_a_dispatched_cap_reaches_the_station_and_its_compliance_comes_back(tmp_path: Path) -> None:
    async with demo.running(tmp_path / "d") as shown, httpx.AsyncClient(base_url=shown.web, timeout=30) as client:
        utility = Utility(client)
        await utility.sign_in(shown.utility.partition("#signin=")[2].partition("&")[0])
        before = await eventually(utility.station)
        assert before["capSource"] != "LIMIT_SOURCE_AGGREGATOR"
        end = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        cap = {"stations": [STATION], "capW": CAP_W, "endTime": end, "returnWithin": "0s", "reason": "A test."}
        made = await utility.ask("CreateFleetCap", fleetCap=cap, requestId=str(uuid.uuid4()))
        assert (await eventually(utility.capped))["capW"] == pytest.approx(CAP_W, abs=1.0)
        answered = await eventually(lambda: utility.complied(made["name"]))
        assert answered["outcome"] == "COMMAND_OUTCOME_ACCEPTED"
        assert answered["measuredW"] <= CAP_W
        await utility.ask("CancelFleetCap", name=made["name"])
        await eventually(utility.released)
