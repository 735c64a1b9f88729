"""Write `docs/reference/api.md` from the protos and the policy table; with `--check`, fail when it differs."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc

from cloud.domain.policy import ANYONE, POLICY
from cloud.domain.principal import Role
from tools.generated import ROOT, write_or_compare

PROTOS = ROOT / "protos"
PAGE = ROOT / "docs" / "reference" / "api.md"
HEAD = """\
# Services and messages

Generated from `protos/` and the policy table by `make docs`; never edited.

One API in three dresses: gRPC, gRPC-Web and JSON (`POST /powerctl.v1.SERVICE/METHOD`, the message as proto3 JSON).
Resource names, pagination, field masks and error details follow Google's API guidance. A call that changes money or a
session carries a `request_id`; the same id again has the same effect once and the same answer.

The caller's deadline is kept (gRPC's own, `grpc-timeout`, `connect-timeout-ms`), and no unary call takes longer than
60 s whatever it says: it then ends with `DEADLINE_EXCEEDED`; repeat it with the same `request_id`. A stream ends with
the access token that it was opened with, after at most 15 minutes; open it again with the next one and
`resume_after`. An access token that has ended is answered with `UNAUTHENTICATED`: renew it once by
`IdentityService/RefreshAccess`, and repeat. `grpc.health.v1.Health` answers without a token. The JSON form is described
by [openapi.json](openapi.json), also served at `/v1/openapi.json` to all who have signed in.

`DispatchService` is the stream between energy manager and charging controller inside a station, and the messages of
`uplink.proto` are the records and commands between a station and its back end; neither is open to applications.
"""
SERVICE, MESSAGE, ENUM = 6, 4, 5
"""Field numbers of services, messages and enums in FileDescriptorProto: the first step of a path to a comment."""
KINDS = {number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()}


def described() -> list[FileDescriptorProto]:
    """The project's proto files with their comments, by name."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "set.bin"
        known = str(resources.files("grpc_tools") / "_proto")
        files = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
        if status := protoc.main(
            ["protoc", f"-I{PROTOS}", f"-I{known}", "--include_source_info", f"--descriptor_set_out={output}", *files]
        ):
            raise SystemExit(status)
        return list(FileDescriptorSet.FromString(output.read_bytes()).file)


def comments(file: FileDescriptorProto) -> Mapping[tuple[int, ...], str]:
    """What the file says before each of its parts, by descriptor path, in one line."""
    told = {}
    for place in file.source_code_info.location:
        text = " ".join((place.leading_comments or place.trailing_comments).split())
        told[tuple(place.path)] = text.replace("|", "\\|").replace("<", "&lt;").replace("{", "&#123;")
    return told


def kind(field: FieldDescriptorProto) -> str:
    """The field's type as a reader of the proto would write it; messages and enums are links to their heading."""
    name = field.type_name.rpartition(".")[2]
    if not name:
        shown = f"`{KINDS[field.type]}`"
    elif field.type_name.startswith(".powerctl."):
        shown = f"[`{name}`](#{name.lower()})"
    else:
        shown = f"`{name}`"
    return f"repeated {shown}" if field.label == FieldDescriptorProto.LABEL_REPEATED else shown


def message(proto: DescriptorProto, path: tuple[int, ...], told: Mapping[tuple[int, ...], str]) -> Iterator[str]:
    """One message and those nested in it."""
    yield from (f"### {proto.name}", "")
    if told.get(path):
        yield from (told[path], "")
    if proto.field:
        yield from ("| Field | Type | Meaning |", "|---|---|---|")
        for index, field in enumerate(proto.field):
            yield f"| `{field.name}` = {field.number} | {kind(field)} | {told.get((*path, 2, index), '')} |"
        yield ""
    for index, inner in enumerate(proto.enum_type):
        yield from enum(inner, (*path, 4, index), told)
    for index, nested in enumerate(proto.nested_type):
        if not nested.options.map_entry:
            yield from message(nested, (*path, 3, index), told)


def enum(proto: EnumDescriptorProto, path: tuple[int, ...], told: Mapping[tuple[int, ...], str]) -> Iterator[str]:
    """One enum with its values."""
    yield from (f"### {proto.name}", "")
    if told.get(path):
        yield from (told[path], "")
    yield from ("| Value | Meaning |", "|---|---|")
    for index, value in enumerate(proto.value):
        yield f"| `{value.name}` = {value.number} | {told.get((*path, 2, index), '')} |"
    yield ""


def who(method: str) -> str:
    """The roles that may call `method`, in words."""
    roles = POLICY.get(method)
    if roles is None:
        return "station's programs"
    if roles is ANYONE:
        return "anyone"
    return "all roles" if roles == frozenset(Role) else ", ".join(sorted(str(role) for role in roles))


def services(file: FileDescriptorProto, told: Mapping[tuple[int, ...], str]) -> Iterator[str]:
    """The file's services, one row per method."""
    for at, service in enumerate(file.service):
        yield from (f"### {service.name}", "", told.get((SERVICE, at), ""), "")
        yield from ("| Method | Takes | Returns | Who | |", "|---|---|---|---|---|")
        for index, method in enumerate(service.method):
            takes, returns = (name.rpartition(".")[2] for name in (method.input_type, method.output_type))
            streams = "stream of " if method.server_streaming else ""
            yield (
                f"| `{method.name}` | [`{takes}`](#{takes.lower()}) | {streams}[`{returns}`](#{returns.lower()}) "
                f"| {who(f'/{file.package}.{service.name}/{method.name}')} | {told.get((SERVICE, at, 2, index), '')} |"
            )
        yield ""


def page(files: list[FileDescriptorProto]) -> str:
    """The whole page: per file its services, messages and enums."""
    lines = [HEAD]
    for file in files:
        told = comments(file)
        lines += [f"## {Path(file.name).name}", "", *services(file, told)]
        for index, proto in enumerate(file.message_type):
            lines += message(proto, (MESSAGE, index), told)
        for index, choice in enumerate(file.enum_type):
            lines += enum(choice, (ENUM, index), told)
    return "\n".join(lines).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    """Write, or compare. Exit status 1: the page is not what protos and policy say."""
    return write_or_compare(arguments, {PAGE: page(described())}, "the protos and the policy")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
