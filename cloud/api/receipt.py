"""ReceiptService: what drivers are given."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.api import encode, names, paging
from cloud.api.call import Call
from cloud.api.session import only
from cloud.domain.refusal import Refusal, Why
from cloud.store import sessions
from cloud.store.store import Store
from powerctl.v1 import receipt_pb2 as pb


@dataclass(frozen=True, slots=True)
class ReceiptService:
    """Reads receipts."""

    store: Store

    async def get_receipt(self, request: pb.GetReceiptRequest, call: Call) -> pb.Receipt:
        """One receipt; another driver's does not exist for the caller."""
        receipt = names.parse_receipt(request.name)
        async with self.store.database.read() as connection:
            found = await sessions.load_receipt(connection, receipt)
        if found is None or not call.caller().sees(found.driver, found.station):
            raise Refusal(Why.NOT_FOUND, f"There is no receipt {request.name}.")
        return encode.receipt(found)

    async def list_receipts(self, request: pb.ListReceiptsRequest, call: Call) -> pb.ListReceiptsResponse:
        """Receipts, newest first, as far as the caller may see them."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        async with self.store.database.read() as connection:
            found, following = await sessions.receipt_page(
                connection, driver=only(call.caller()), stations=call.caller().stations, before=before, size=size
            )
        encoded = [encode.receipt(receipt) for receipt in found]
        return pb.ListReceiptsResponse(receipts=encoded, next_page_token=paging.token_of(following))
