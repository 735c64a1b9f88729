"""The demo's driver: uses the public JSON interface, as an app would, to start and stop."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
import uuid
from http.cookiejar import CookieJar
from typing import Any, Final

TIMEOUT_S: Final = 5.0
PAYMENT: Final = "/powerctl.v1.PaymentService"
NOTIFICATION: Final = "/powerctl.v1.NotificationService"
CARD: Final = "pm_card_visa"
"""Of the fake provider: it pays."""


class ApiError(Exception):
    """The cloud refused a call or could not be reached; the text is its own sentence."""


class Driver:
    """A signed-in person.

    Args:
        base_url: Of the web port, without a slash at the end.
        sign_in_token: Single-use token from a sign-in link.
        station: Where they charge.
    """

    def __init__(self, base_url: str, sign_in_token: str, station: str) -> None:
        self._base_url = base_url
        self._location = f"/v1/locations/{station}"
        self._token = sign_in_token
        self._signed_in = False
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    async def connectors(self) -> list[dict[str, Any]]:
        """Every connector of the station, as the API shows it to this person."""
        answer = await self._call("GET", self._location)
        return [connector for evse in answer.get("evses", []) for connector in evse.get("connectors", [])]

    async def sessions(self) -> list[dict[str, Any]]:
        """This person's sessions, newest first."""
        return list((await self._call("GET", "/v1/sessions")).get("sessions", []))

    async def start(self, connector: str) -> dict[str, Any]:
        """Pay for charging at `connector` ("locations/…/connectors/…") and start it; returns the session."""
        paying = {"connector": connector, "paymentMethod": CARD, "requestId": str(uuid.uuid4())}
        paid = await self._call("POST", f"{PAYMENT}/CreateChargingToken", paying)
        starting = {"requestId": str(uuid.uuid4()), "chargingToken": paid["token"]}
        return await self._call("POST", f"/v1/{connector}:start", starting)

    async def open_purchases(self) -> list[dict[str, Any]]:
        """Purchases whose charging token waits for its start, as far as this person may see them."""
        answer = await self._call("POST", f"{PAYMENT}/ListPurchases", {})
        return [one for one in answer.get("purchases", []) if "tokenExpireTime" in one]

    async def be_told(self, address: str) -> None:
        """Have everything that happens to this person's sessions sent to `address`."""
        wishes = {"email": address, "onFinished": True, "onStopped": True, "onSlowed": True}
        asked = {"settings": wishes, "updateMask": "email,onFinished,onStopped,onSlowed"}
        await self._call("POST", f"{NOTIFICATION}/UpdateNotificationSettings", asked)

    async def stop(self, session: str) -> dict[str, Any]:
        """Stop `session` ("sessions/…"); returns it."""
        return await self._call("POST", f"/v1/{session}:stop", {"requestId": str(uuid.uuid4())})

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if not self._signed_in:
            await asyncio.to_thread(
                self._request, "POST", "/powerctl.v1.IdentityService/SignIn", {"token": self._token}
            )
            self._signed_in = True
        return await asyncio.to_thread(self._request, method, path, body)

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the base URL is our own
            self._base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Origin": self._base_url},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                answer: dict[str, Any] = json.loads(response.read() or b"{}")
                return answer
        except urllib.error.HTTPError as error:
            raise ApiError(f"{method} {path}: {error.code} {error.read()[:500].decode(errors='replace')}") from error
        except (OSError, ValueError) as error:
            raise ApiError(f"{method} {path}: {error}") from error
