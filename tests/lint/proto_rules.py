"""Rules over .proto files, after buf's STANDARD set, and on comments. Each is a function of a Repository."""

import os
import re

from repository import Finding

PASCAL = re.compile(r"^[A-Z][A-Za-z0-9]*$")
SNAKE = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
UPPER = re.compile(r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$")
DEFINITION = re.compile(r"^\s*(message|enum|service|oneof)\s+(\w+)\s*\{(\s*\})?")
RPC = re.compile(r"^\s*rpc\s+(\w+)\s*\(\s*(?:stream\s+)?([\w.]+)\s*\)\s*returns\s*\(\s*(?:stream\s+)?([\w.]+)\s*\)")
FIELD = re.compile(r"^\s*(?:optional\s+|repeated\s+)?(?:map\s*<[^>]+>|[\w.]+)\s+(\w+)\s*=\s*\d+\s*[;\[]")
ENUM_VALUE = re.compile(r"^\s*(\w+)\s*=\s*(-?\d+)\s*[;\[]")
PACKAGE = re.compile(r"^package\s+([\w.]+)\s*;")


class Item:
    """A message, enum, service, oneof, rpc, field or enum value, with the line it is on and its innermost parent."""

    def __init__(self, kind, name, line, parent, commented, types=(), number=None):
        self.kind, self.name, self.line, self.parent = kind, name, line, parent
        self.commented, self.types, self.number = commented, types, number


def statements(lines):
    """(line number, code without comment, whether a comment is right above or beside it); joins a split rpc."""
    above, pending = False, None
    for number, line in enumerate(lines, 1):
        code, slashes, _ = line.partition("//")
        if not code.strip():
            above = bool(slashes)
            continue
        if pending:
            start, head, commented = pending
            number, code, above = start, head + " " + code.strip(), commented
            pending = None
        if code.lstrip().startswith("rpc ") and "returns" not in code or code.rstrip().endswith(("=", "returns", "(")):
            pending = (number, code.rstrip(), above or bool(slashes))
            continue
        yield number, code, above or bool(slashes)
        above = False


def items(repository, path):
    """Every item of a file, in order."""
    stack = []
    for number, code, commented in statements(repository.lines(path)):
        parent = stack[-1] if stack else None
        definition, rpc = DEFINITION.match(code), RPC.match(code)
        if definition:
            item = Item(definition.group(1), definition.group(2), number, parent, commented)
            yield item
            if not definition.group(3):
                stack.append(item)
            continue
        if rpc:
            yield Item("rpc", rpc.group(1), number, parent, commented, (rpc.group(2), rpc.group(3)))
        elif parent and parent.kind == "enum" and ENUM_VALUE.match(code):
            name, value = ENUM_VALUE.match(code).groups()
            yield Item("value", name, number, parent, commented, number=int(value))
        elif parent and parent.kind in ("message", "oneof") and FIELD.match(code):
            yield Item("field", FIELD.match(code).group(1), number, parent, commented)
        if "}" in code and "{" not in code and stack:
            stack.pop()
        elif "{" in code and "}" not in code:
            stack.append(Item("block", "", number, parent, True))


def protos(repository):
    """The API. What tests define for themselves elsewhere is nobody's contract."""
    return [path for path in repository.with_suffix(".proto") if path.startswith("protos/")]


def proto_package(repository):
    """The package is the folder's path below protos/ and ends in a version."""
    for path in protos(repository):
        expected = os.path.dirname(path).removeprefix("protos/").replace("/", ".")
        found = [(number, match.group(1)) for number, line in enumerate(repository.lines(path), 1)
                 if (match := PACKAGE.match(line))]
        if not found:
            yield Finding("proto_package", path, 0, f"has no package; it should be {expected}")
        elif found[0][1] != expected or not re.search(r"\.v\d+$", expected):
            yield Finding("proto_package", path, found[0][0], f"package {found[0][1]} should be {expected}, with a version")


def proto_message_name(repository):
    """Messages and enums are PascalCase."""
    for path in protos(repository):
        for item in items(repository, path):
            if item.kind in ("message", "enum") and not PASCAL.match(item.name):
                yield Finding("proto_message_name", path, item.line, f"{item.kind} {item.name} is not PascalCase")


def proto_field_name(repository):
    """Fields and oneofs are lower_snake_case."""
    for path in protos(repository):
        for item in items(repository, path):
            if item.kind in ("field", "oneof") and not SNAKE.match(item.name):
                yield Finding("proto_field_name", path, item.line, f"{item.kind} {item.name} is not lower_snake_case")


def proto_enum_value(repository):
    """Enum values carry the enum's name, and zero is _UNSPECIFIED."""
    for path in protos(repository):
        for item in items(repository, path):
            if item.kind != "value":
                continue
            prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", item.parent.name).upper() + "_"
            if not item.name.startswith(prefix) or not UPPER.match(item.name):
                yield Finding("proto_enum_value", path, item.line, f"{item.name} should begin with {prefix}")
            elif (item.number == 0) != (item.name == prefix + "UNSPECIFIED"):
                yield Finding("proto_enum_value", path, item.line, f"the zero value is {prefix}UNSPECIFIED, and nothing else")


def proto_rpc_types(repository):
    """Request and response are named after the RPC and belong to it alone; never google.protobuf.Empty."""
    for path in protos(repository):
        used = set()
        for item in items(repository, path):
            if item.kind != "rpc":
                continue
            expected = (item.name + "Request", item.name + "Response")
            if item.types != expected:
                yield Finding("proto_rpc_types", path, item.line,
                              f"rpc {item.name} takes {expected[0]} and returns {expected[1]}, not {', '.join(item.types)}")
            elif used & set(item.types):
                yield Finding("proto_rpc_types", path, item.line, f"rpc {item.name} shares a message with another RPC")
            used |= set(item.types)


def proto_service_name(repository):
    """Services end in Service."""
    for path in protos(repository):
        for item in items(repository, path):
            if item.kind == "service" and not (PASCAL.match(item.name) and item.name.endswith("Service")):
                yield Finding("proto_service_name", path, item.line, f"service {item.name} should end in Service")


def proto_no_empty(repository):
    """google.protobuf.Empty is not used: an own message can grow."""
    for path in protos(repository):
        for number, line in enumerate(repository.lines(path), 1):
            if "google/protobuf/empty.proto" in line.partition("//")[0]:
                yield Finding("proto_no_empty", path, number, "use a message of the RPC's own instead of Empty")


def proto_comment(repository):
    """Files, services, RPCs, messages and enums say what they are. A request or response is explained by its RPC."""
    for path in protos(repository):
        if not repository.lines(path)[0].startswith("//"):
            yield Finding("proto_comment", path, 1, "the file does not begin with what it is for")
        every = list(items(repository, path))
        of_rpc = {name for item in every if item.kind == "rpc" for name in item.types}
        for item in every:
            if item.kind in ("service", "rpc", "message", "enum") and not item.commented and item.name not in of_rpc:
                yield Finding("proto_comment", path, item.line, f"{item.kind} {item.name} has no comment above it")


RULES = (proto_package, proto_message_name, proto_field_name, proto_enum_value, proto_rpc_types, proto_service_name,
         proto_no_empty, proto_comment)
