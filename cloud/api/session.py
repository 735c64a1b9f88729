"""SessionService: charging sessions, from plug-in to unplug."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloud.api import names, paging
from cloud.api.call import Call
from cloud.api.charging import Charging
from cloud.api.encode import Encoder
from cloud.api.encoded import EncodedOnce
from cloud.domain.principal import Principal
from cloud.domain.refusal import Refusal, Why
from cloud.domain.session import Session
from cloud.store.store import Store
from powerctl.v1 import session_pb2 as pb


@dataclass(frozen=True, slots=True)
class SessionService:
    """Reads, starts and stops sessions."""

    store: Store
    charging: Charging
    encoder: Encoder
    encoded: EncodedOnce = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoded", EncodedOnce(self.encoder))

    async def get_session(self, request: pb.GetSessionRequest, call: Call) -> pb.Session:
        """One session; another driver's does not exist for the caller."""
        session = names.parse_session(request.name)
        found = await self.store.present.session(session)
        if found is None or not call.caller().sees(found.driver, found.station):
            raise Refusal(Why.NOT_FOUND, f"There is no session {request.name}.")
        return self._encode(found, call)

    async def list_sessions(self, request: pb.ListSessionsRequest, call: Call) -> pb.ListSessionsResponse:
        """Sessions, newest first, as far as the caller may see them."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        found, following = await self.store.present.sessions_page(
            driver=only(call.caller()), stations=call.caller().stations, before=before, size=size
        )
        encoded = [self._encode(session, call) for session in found]
        return pb.ListSessionsResponse(sessions=encoded, next_page_token=paging.token_of(following))

    async def start_session(self, request: pb.StartSessionRequest, call: Call) -> pb.Session:
        """Asks the station to charge what is plugged in."""
        station, connector = names.parse_connector(request.connector)
        session = await self.charging.start(
            station, connector, request.request_id, call.caller(), request.charging_token
        )
        return self._encode(session, call)

    async def stop_session(self, request: pb.StopSessionRequest, call: Call) -> pb.Session:
        """Asks the station to end charging."""
        session = names.parse_session(request.name)
        return self._encode(await self.charging.stop(session, request.request_id, call.caller()), call)

    def _encode(self, session: Session, call: Call) -> pb.Session:
        return self.encoded.session(session, call.caller(), self.store.clock.utc())


def only(caller: Principal) -> str | None:
    """The driver whose sessions the caller may see wherever they were. None: everybody's."""
    return None if caller.sees_all else caller.user
