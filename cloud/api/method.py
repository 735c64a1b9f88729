"""The table of methods that every transport serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from cloud.api.audit import Ledger
from cloud.api.call import Call
from cloud.domain.policy import POLICY, mutates

H = TypeVar("H")


@dataclass(frozen=True, slots=True)
class _Row(Generic[H]):
    name: str
    """`/package.Service/Method`, as in an HTTP path."""
    request: type[Message]
    handler: H
    ledger: Ledger | None = None
    """Where each call is written down. None: it only reads."""


class Unary(_Row[Callable[[Any, Call], Awaitable[Message]]]):
    """One request, one response."""


class Stream(_Row[Callable[[Any, Call], AsyncIterator[Message]]]):
    """One request, many responses."""


Method = Unary | Stream
Methods = dict[str, Method]


def methods_of(service: ServiceDescriptor, servicer: object, ledger: Ledger | None = None) -> Methods:
    """The methods of `service`, handled by the methods of `servicer` of the same name in snake case.

    Raises:
        AttributeError: The servicer lacks one.
        KeyError: One has no row in the policy.
    """
    rows = (_method(service, method, servicer, ledger) for method in service.methods)
    return {row.name: row for row in rows}


def _method(service: ServiceDescriptor, method: MethodDescriptor, servicer: object, ledger: Ledger | None) -> Method:
    name = f"/{service.full_name}/{method.name}"
    if name not in POLICY:
        raise KeyError(f"{name} has no row in the policy")
    handler = getattr(servicer, snake(method.name))
    kind = Stream if method.server_streaming else Unary
    return kind(name, GetMessageClass(method.input_type), handler, ledger if mutates(name) else None)


def snake(name: str) -> str:
    """`GetLocation` as `get_location`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
