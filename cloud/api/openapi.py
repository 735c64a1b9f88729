"""The JSON form of the API as OpenAPI 3.1, from the protos and the policy."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor

import powerctl.v1
from cloud.domain.policy import POLICY, is_public

PATH: Final = "/v1/openapi.json"
"""Where the web listener serves it, to everybody who has signed in."""
_KINDS: Final[dict[int, dict[str, Any]]] = {
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    # 64 bits are text in JSON (ProtoJSON).
    FieldDescriptor.CPPTYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "string", "format": "uint64"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
}
_WELL_KNOWN: Final[dict[str, dict[str, Any]]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
}
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {"type": "array", "items": {"type": "object"}},
    },
}


def methods() -> Iterator[MethodDescriptor]:
    """Unary methods that the policy has a row for, by name."""
    for module in sorted(pkgutil.iter_modules(powerctl.v1.__path__), key=lambda one: one.name):
        if not module.name.endswith("_pb2"):
            continue
        for service in importlib.import_module(f"powerctl.v1.{module.name}").DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                if f"/{service.full_name}/{method.name}" in POLICY and not method.server_streaming:
                    yield method


def document() -> dict[str, Any]:
    """The whole description."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths = {}
    for method in methods():
        name = f"/{method.containing_service.full_name}/{method.name}"
        _add(method.input_type, schemas)
        _add(method.output_type, schemas)
        paths[name] = {"post": _operation(method, name)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "powerctl cloud", "version": "v1"},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


@cache
def content() -> bytes:
    """The description as it is served and committed."""
    return (json.dumps(document(), indent=1) + "\n").encode()


def _operation(method: MethodDescriptor, name: str) -> dict[str, Any]:
    return {
        "operationId": f"{method.containing_service.name}_{method.name}",
        "tags": [method.containing_service.name],
        "security": [] if is_public(name) else [{"bearer": []}],
        "requestBody": {"required": True, "content": _json(_reference(method.input_type))},
        "responses": {
            "200": {"description": "The answer.", "content": _json(_reference(method.output_type))},
            "default": {"description": "A refusal.", "content": _json({"$ref": "#/components/schemas/Error"})},
        },
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(kind: Descriptor | EnumDescriptor) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{kind.name}"}


def _add(kind: Descriptor, schemas: dict[str, Any]) -> None:
    if kind.name in schemas or kind.full_name in _WELL_KNOWN:
        return
    schemas[kind.name] = {"type": "object"}
    properties = {field.json_name: _field(field, schemas) for field in kind.fields}
    schemas[kind.name] = {"type": "object", "properties": properties}


def _field(field: FieldDescriptor, schemas: dict[str, Any]) -> dict[str, Any]:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _single(entry.fields_by_name["value"], schemas)}
    single = _single(field, schemas)
    return {"type": "array", "items": single} if field.is_repeated else single


def _single(field: FieldDescriptor, schemas: dict[str, Any]) -> dict[str, Any]:
    if field.message_type is not None:
        _add(field.message_type, schemas)
        return _WELL_KNOWN.get(field.message_type.full_name) or _reference(field.message_type)
    if field.enum_type is not None:
        schemas[field.enum_type.name] = {"type": "string", "enum": [value.name for value in field.enum_type.values]}
        return _reference(field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "contentEncoding": "base64"}
    return dict(_KINDS.get(field.cpp_type, {"type": "string"}))
