"""What every transport calls: parses, admits, hands to the servicer, and lets nothing out but answers and refusals."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from cloud.api.call import Call
from cloud.api.method import Method, Stream, Unary
from cloud.domain.policy import admit, is_public
from cloud.domain.refusal import Refusal, Why
from cloud.ingest.ports import StoreUnavailable
from powerctl.core.errors import RemoteError
from powerctl.runtime import log, metrics

LONGEST_S: Final = 60.0
"""No unary call takes longer, whatever deadline its caller sets. Streams end with the caller's access."""
MAX_REQUEST_BYTES: Final = 64 * 1024
"""Every request of this API is small; a larger one is a mistake or an attack."""

_log = log.get(__name__)


def parse(method: Method, payload: bytes) -> Message:
    """The request in `payload`.

    Raises:
        Refusal: INVALID_ARGUMENT: it is not that message.
    """
    try:
        return method.request.FromString(payload)
    except DecodeError as error:
        raise Refusal(Why.INVALID_ARGUMENT, "The request is not a valid message of this method.") from error


async def answer(method: Unary, request: Message, call: Call, transport: str) -> Message:
    """The response to `request`.

    Raises:
        Refusal: There is none.
    """
    with _guarded(method, call, transport):
        if method.ledger is None or (call.principal is None and not is_public(method.name)):
            admit(method.name, call.principal)
            return await _in_time(method, request, call)
        async with method.ledger.entry(method.name, request, call):
            admit(method.name, call.principal)
            return await _in_time(method, request, call)


async def answers(method: Stream, request: Message, call: Call, transport: str) -> AsyncIterator[Message]:
    """The responses to `request`.

    Raises:
        Refusal: There are none, or no more.
    """
    with _guarded(method, call, transport):
        admit(method.name, call.principal)
        responses: Any = method.handler(request, call)
        async with aclosing(responses):
            async for response in responses:
                yield response


async def _in_time(method: Unary, request: Message, call: Call) -> Message:
    """The servicer's response, within the caller's deadline and ours."""
    seconds = LONGEST_S if call.timeout_s is None else min(LONGEST_S, call.timeout_s)
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            return await method.handler(request, call)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise Refusal(Why.DEADLINE_EXCEEDED, "The deadline has passed.") from error


@contextmanager
def _guarded(method: Method, call: Call, transport: str) -> Iterator[None]:
    code = "ok"
    try:
        yield
    except Refusal as refusal:
        code = refusal.why.value
        raise
    except asyncio.CancelledError:
        # The caller has gone, or gRPC has ended the call at the caller's deadline.
        code = "canceled"
        raise
    except RemoteError as error:
        code = Why.INVALID_ARGUMENT.value
        raise Refusal(Why.INVALID_ARGUMENT, str(error)) from error
    except StoreUnavailable as error:
        code = Why.UNAVAILABLE.value
        _log.error("database_unavailable", method=method.name, error=str(error))
        raise Refusal(Why.UNAVAILABLE, "The service is not available for the moment. Try again.") from error
    except Exception as error:
        # A caller must see neither our internals nor a process that ends because of one request.
        code = Why.INTERNAL.value
        _log.error("request_failed", method=method.name, traceback=traceback.format_exception(error))
        raise Refusal(Why.INTERNAL, "Something went wrong on our side; it has been logged.") from error
    finally:
        metrics.counter("cloud_api_requests_total").labels(method.name, transport, code).inc()
