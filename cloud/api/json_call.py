"""Unary calls as JSON, in the manner of Connect: POST /package.Service/Method, errors as code and message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message

from cloud.api.boundary import answer
from cloud.api.call import Call
from cloud.api.errors import json_details
from cloud.api.method import Unary
from cloud.domain.refusal import Refusal, Why

HTTP_STATUS: Final[Mapping[Why, int]] = {
    Why.INVALID_ARGUMENT: 400,
    Why.UNAUTHENTICATED: 401,
    Why.PERMISSION_DENIED: 403,
    Why.NOT_FOUND: 404,
    Why.ALREADY_EXISTS: 409,
    Why.FAILED_PRECONDITION: 400,
    Why.RESOURCE_EXHAUSTED: 429,
    Why.UNAVAILABLE: 503,
    Why.DEADLINE_EXCEEDED: 504,
    Why.UNIMPLEMENTED: 501,
    Why.INTERNAL: 500,
}
"""As Connect maps them (connectrpc.com, protocol, error codes)."""


async def json_answer(method: Unary, fields: object, call: Call) -> bytes:
    """The JSON response to a request with these JSON `fields`.

    Raises:
        Refusal: There is none.
    """
    return to_json(await answer(method, _request(method, fields), call, "json"))


def timeout_s(header: str) -> float | None:
    """Seconds in a connect-timeout-ms header. None: there is no deadline.

    Raises:
        Refusal: INVALID_ARGUMENT: it is not up to ten digits.
    """
    if not header:
        return None
    if not (header.isascii() and header.isdigit() and len(header) <= 10):
        raise Refusal(Why.INVALID_ARGUMENT, "connect-timeout-ms must be up to ten digits.")
    return int(header) / 1000


def fields_in(body: bytes) -> object:
    """What stands in a JSON body; an empty one is an empty object.

    Raises:
        Refusal: INVALID_ARGUMENT: it is not JSON.
    """
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refusal(Why.INVALID_ARGUMENT, "The body is not JSON.") from error


def to_json(message: Message) -> bytes:
    """`message` as JSON, with fields that have their default value."""
    fields = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def error_json(refusal: Refusal) -> bytes:
    """A refusal as Connect's error."""
    fields = {"code": refusal.why.value, "message": refusal.message, "details": json_details(refusal)}
    return json.dumps(fields, ensure_ascii=False).encode()


def _request(method: Unary, fields: object) -> Message:
    if not isinstance(fields, dict):
        raise Refusal(Why.INVALID_ARGUMENT, "The body must be a JSON object.")
    message: Any = method.request()
    try:
        json_format.ParseDict(fields, message, max_recursion_depth=10)
    except json_format.ParseError as error:
        raise Refusal(Why.INVALID_ARGUMENT, f"The request cannot be read: {error}") from error
    return message  # type: ignore[no-any-return]
