"""Refusals for programs (AIP-193): google.rpc.Status with ErrorInfo, and RetryInfo where the wait is known."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from cloud.domain.refusal import Refusal

DOMAIN: Final = "powerctl"
DETAILS_KEY: Final = "grpc-status-details-bin"


def details(refusal: Refusal) -> Iterator[Message]:
    """What a program can act on."""
    yield error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN)
    if refusal.retry_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(refusal.retry_s * 1000) + 1)
        yield retry


def status(refusal: Refusal) -> bytes:
    """The refusal as a serialised google.rpc.Status."""
    message = status_pb2.Status(code=code_pb2.Code.Value(refusal.why.name), message=refusal.message)
    for detail in details(refusal):
        message.details.add().Pack(detail)
    return bytes(message.SerializeToString())


def status_text(refusal: Refusal) -> str:
    """The same as text in a trailer of gRPC-Web."""
    return base64.b64encode(status(refusal)).decode().rstrip("=")


def json_details(refusal: Refusal) -> list[dict[str, str]]:
    """The details as Connect writes them (connectrpc.com, protocol, error end-stream)."""
    return [
        {
            "type": detail.DESCRIPTOR.full_name,
            "value": base64.b64encode(detail.SerializeToString()).decode().rstrip("="),
        }
        for detail in details(refusal)
    ]
