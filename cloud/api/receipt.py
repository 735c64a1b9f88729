"""ReceiptService: what drivers are given, and what is given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Final

from cloud.api import encode, names, paging
from cloud.api.approving import Approving, Question
from cloud.api.call import Call
from cloud.api.charging import require_request_id
from cloud.api.session import only
from cloud.domain.approval import WITHIN
from cloud.domain.credit import Credit, credit
from cloud.domain.receipt import Receipt
from cloud.domain.refusal import Refusal, Why
from cloud.payment.process import Payments
from cloud.receipts.document import Kept, as_json, as_xml
from cloud.receipts.pdf import as_pdf
from cloud.store import receipts, sessions
from cloud.store.store import Store
from cloud.store.writing import Writing
from powerctl.v1 import common_pb2
from powerctl.v1 import receipt_pb2 as pb
from powerctl.wire.common import time_to_wire

CREDIT: Final = "/powerctl.v1.ReceiptService/CreateCredit"


@dataclass(frozen=True, slots=True)
class ReceiptService:
    """Reads receipts, and corrects them by credits."""

    store: Store
    approving: Approving
    payments: Payments | None = None
    """None: nobody has paid, and nothing is refunded."""
    zone: tzinfo = UTC
    issuer: str = ""

    async def get_receipt(self, request: pb.GetReceiptRequest, call: Call) -> pb.Receipt:
        """One receipt; another driver's does not exist for the caller."""
        found = await self._load(request.name, call)
        async with self.store.database.read() as connection:
            numbers = await receipts.numbers(connection, [found])
        return encode.receipt(found, numbers.get(found.id, 0))

    async def list_receipts(self, request: pb.ListReceiptsRequest, call: Call) -> pb.ListReceiptsResponse:
        """Receipts, newest first, as far as the caller may see them."""
        before, size = paging.number_in(request.page_token), paging.page_size(request.page_size)
        async with self.store.database.read() as connection:
            found, following = await sessions.receipt_page(
                connection, driver=only(call.caller()), stations=call.caller().stations, before=before, size=size
            )
            numbers = await receipts.numbers(connection, found)
        encoded = [encode.receipt(receipt, numbers.get(receipt.id, 0)) for receipt in found]
        return pb.ListReceiptsResponse(receipts=encoded, next_page_token=paging.token_of(following))

    async def download_receipt(self, request: pb.DownloadReceiptRequest, call: Call) -> pb.DownloadReceiptResponse:
        """The receipt as a file."""
        found = await self._load(request.name, call)
        async with self.store.database.read() as connection:
            kept = await receipts.kept(connection, found)
        kind, extension, content = self._file(kept, request.format)
        name = f"receipt-{kept.number or found.id}.{extension}"
        return pb.DownloadReceiptResponse(content_type=kind, file_name=name, content=content)

    async def list_credits(self, request: pb.ListCreditsRequest, call: Call) -> pb.ListCreditsResponse:
        """What was given back of a receipt."""
        found = await self._load(request.receipt, call)
        async with self.store.database.read() as connection:
            given_back = await receipts.credits(connection, found.id)
        return pb.ListCreditsResponse(credits=[_credit(one) for one in given_back])

    async def create_credit(self, request: pb.CreateCreditRequest, call: Call) -> pb.Credit:
        """Gives back all or a part of what a receipt says, and has it refunded."""
        require_request_id(request.request_id)
        found = await self._load(request.receipt, call)
        asking = self.approving.of(CREDIT, request, call)
        async with asking as question, self.store.write() as writing:
            known = await receipts.asked(writing.connection, call.caller().user, request.request_id)
            made = known or await self._decide(writing, found, request, question)
        if known is not None and (known.receipt, known.reason) != (found.id, request.reason.strip()):
            raise Refusal(Why.ALREADY_EXISTS, "This request_id was used for another request; make a new one.")
        return _credit(made)

    async def _decide(
        self, writing: Writing, found: Receipt, request: pb.CreateCreditRequest, question: Question
    ) -> Credit:
        user = question.call.caller().user
        before = await receipts.credits(writing.connection, found.id)
        amount = _amount(request.amount, found.total.currency) if request.HasField("amount") else None
        made = credit(found, before, amount, request.reason, writing.now)
        earlier = await receipts.given_back(writing.connection, user, made.total.currency, writing.now - WITHIN)
        if earlier - made.total.amount > question.rules.refund_above:
            summary = f"Give back {-made.total.amount} {made.total.currency} of receipt {found.id}: {made.reason}"
            await question.approved(writing.connection, summary)
        await receipts.add_credit(writing.connection, made, user, request.request_id)
        if self.payments is not None:
            await self.payments.give_back(writing, found, made)
        return made

    def _file(self, kept: Kept, wanted: pb.ReceiptFormat.ValueType) -> tuple[str, str, bytes]:
        match wanted:
            case pb.RECEIPT_FORMAT_JSON:
                return "application/json", "json", as_json(kept)
            case pb.RECEIPT_FORMAT_PDF:
                return "application/pdf", "pdf", as_pdf(kept, self.zone, self.issuer)
            case pb.RECEIPT_FORMAT_OCMF:
                if kept.sealed is None:
                    raise Refusal(Why.FAILED_PRECONDITION, "This receipt was not signed.")
                return "application/xml", "ocmf.xml", as_xml(kept.sealed, kept.number)
            case _:
                raise Refusal(Why.INVALID_ARGUMENT, "format must be JSON, PDF or OCMF.")

    async def _load(self, name: str, call: Call) -> Receipt:
        receipt = names.parse_receipt(name)
        async with self.store.database.read() as connection:
            found = await sessions.load_receipt(connection, receipt)
        if found is None or not call.caller().sees(found.driver, found.station):
            raise Refusal(Why.NOT_FOUND, f"There is no receipt {name}.")
        return found


def _amount(value: common_pb2.Money, currency: str) -> Decimal:
    if value.currency_code != currency:
        raise Refusal(Why.INVALID_ARGUMENT, f"The receipt is in {currency}.")
    return Decimal(value.units) + Decimal(value.nanos).scaleb(-9)


def _credit(value: Credit) -> pb.Credit:
    return pb.Credit(
        name=f"{names.receipt_name(value.receipt)}/credits/{value.id}",
        total=encode.money(value.total),
        reason=value.reason,
        issue_time=time_to_wire(value.issue_time),
    )
