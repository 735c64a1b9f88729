"""NotificationService: how a driver hears of a session."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from cloud.api import names
from cloud.api.call import Call
from cloud.api.secrets import Sealer
from cloud.domain.refusal import Refusal, Why
from cloud.notify import push
from cloud.store import notices
from cloud.store.notices import Wishes
from cloud.store.store import Store
from powerctl.v1 import notification_pb2 as pb
from powerctl.wire.common import time_to_wire

_EMAIL: Final = re.compile(r"[^@\s<>,;:\"'\\]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_LONGEST: Final = 254
_FIELDS: Final = frozenset(Wishes.__slots__)


@dataclass(frozen=True, slots=True)
class NotificationService:
    """Keeps what drivers want to be told, and where."""

    store: Store
    sealer: Sealer
    push_key: str = ""
    """The application server's key. Empty: no push here."""
    email: bool = False
    """True: this cloud sends e-mail."""

    async def get_notification_settings(
        self, request: pb.GetNotificationSettingsRequest, call: Call
    ) -> pb.NotificationSettings:
        """The caller's."""
        async with self.store.database.read() as connection:
            return self._encoded(await notices.wishes(connection, call.caller().user))

    async def update_notification_settings(
        self, request: pb.UpdateNotificationSettingsRequest, call: Call
    ) -> pb.NotificationSettings:
        """Changes what the mask names."""
        mask = frozenset(request.update_mask.paths) or _FIELDS
        if unknown := sorted(mask - _FIELDS):
            raise Refusal(Why.INVALID_ARGUMENT, f"update_mask: {unknown[0]} cannot be changed.")
        given = request.settings
        if "email" in mask and given.email and not (len(given.email) <= _LONGEST and _EMAIL.fullmatch(given.email)):
            raise Refusal(Why.INVALID_ARGUMENT, "email does not look like an address.")
        user = call.caller().user
        changed: dict[str, Any] = {name: getattr(given, name) for name in mask}
        async with self.store.write() as writing:
            after = replace(await notices.wishes(writing.connection, user), **changed)
            await notices.wish(writing.connection, user, after)
        return self._encoded(after)

    async def create_push_subscription(
        self, request: pb.CreatePushSubscriptionRequest, call: Call
    ) -> pb.PushSubscription:
        """A browser that takes messages."""
        if not self.push_key:
            raise Refusal(Why.FAILED_PRECONDITION, "This cloud sends no push messages.")
        given = request.push_subscription
        try:
            push.subscription(given.endpoint, given.p256dh, given.auth)
        except ValueError as error:
            raise Refusal(Why.INVALID_ARGUMENT, "push_subscription is not what a browser says of itself.") from error
        user, name = call.caller().user, hashlib.sha256(given.endpoint.encode()).hexdigest()[:40]
        fields = {"endpoint": given.endpoint, "p256dh": given.p256dh, "auth": given.auth}
        sealed = self.sealer.seal(json.dumps(fields).encode(), name)
        async with self.store.write() as writing:
            if not await notices.subscribe(writing.connection, user, name, sealed, writing.now):
                raise Refusal(Why.RESOURCE_EXHAUSTED, "Too many browsers are subscribed. Remove one first.")
            now = writing.now
        return pb.PushSubscription(name=_name(user, name), create_time=time_to_wire(now))

    async def list_push_subscriptions(
        self, request: pb.ListPushSubscriptionsRequest, call: Call
    ) -> pb.ListPushSubscriptionsResponse:
        """The caller's browsers."""
        user = call.caller().user
        async with self.store.database.read() as connection:
            rows = await notices.subscriptions(connection, user)
        encoded = [
            pb.PushSubscription(name=_name(user, row.id), create_time=time_to_wire(row.create_time)) for row in rows
        ]
        return pb.ListPushSubscriptionsResponse(push_subscriptions=encoded)

    async def delete_push_subscription(
        self, request: pb.DeletePushSubscriptionRequest, call: Call
    ) -> pb.DeletePushSubscriptionResponse:
        """A browser is told no more."""
        caller = call.caller().user
        user, name = names.parse_push_subscription(request.name)
        async with self.store.write() as writing:
            if user != caller or not await notices.unsubscribe(writing.connection, caller, name):
                raise Refusal(Why.NOT_FOUND, f"There is no {request.name}.")
        return pb.DeletePushSubscriptionResponse()

    def _encoded(self, wishes: Wishes) -> pb.NotificationSettings:
        values: dict[str, Any] = {name: getattr(wishes, name) for name in Wishes.__slots__}
        return pb.NotificationSettings(**values, push_key=self.push_key, email_available=self.email)


def _name(user: str, name: str) -> str:
    return f"users/{user}/pushSubscriptions/{name}"
