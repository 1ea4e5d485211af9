"""Builds protobuf message classes from tables of fields, so that the protobuf library can read a format without installing the
program that defines it."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Field = tuple[str, int, str, bool]
"""A field: its name, its number, its type (a scalar, or the name of a message or enumeration), and whether it repeats."""

_Kind = descriptor_pb2.FieldDescriptorProto

SCALARS = {
    "double": _Kind.TYPE_DOUBLE,
    "float": _Kind.TYPE_FLOAT,
    "int64": _Kind.TYPE_INT64,
    "int32": _Kind.TYPE_INT32,
    "bool": _Kind.TYPE_BOOL,
    "string": _Kind.TYPE_STRING,
    "bytes": _Kind.TYPE_BYTES,
}


def message_class(
    package: str,
    name: str,
    messages: Mapping[str, Sequence[Field]],
    enumerations: Mapping[str, Mapping[str, int]] | None = None,
    maps: Mapping[str, tuple[str, int, str]] | None = None,
) -> Any:
    """Return the class of one message.

    Args:
        package: a namespace that separates formats.
        name: the message's name.
        messages: the fields of each message.
        enumerations: the numbers of each enumeration.
        maps: one field for each message that maps texts to messages: its name, number and type of values.
    """
    enumerations = enumerations or {}
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for enumeration, numbers in enumerations.items():
        described = file.enum_type.add(name=enumeration)
        for value, number in numbers.items():
            described.value.add(name=value, number=number)
    for message, fields in messages.items():
        made = file.message_type.add(name=message)
        for field in fields:
            _add(made, field, package, enumerations)
        if maps and message in maps:
            called, number, values = maps[message]
            # A map is a repeated message of keys and values.
            pair = made.nested_type.add(name=f"{called.title()}Entry")
            pair.options.map_entry = True
            _add(pair, ("key", 1, "string", False), package, enumerations)
            _add(pair, ("value", 2, values, False), package, enumerations)
            _add(made, (called, number, f"{message}.{pair.name}", True), package, enumerations)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))


def _add(message: Any, field: Field, package: str, enumerations: Mapping[str, Mapping[str, int]]) -> None:
    name, number, kind, repeats = field
    made = message.field.add(name=name, number=number, label=_Kind.LABEL_REPEATED if repeats else _Kind.LABEL_OPTIONAL)
    if kind in SCALARS:
        made.type = SCALARS[kind]
    else:
        made.type = _Kind.TYPE_ENUM if kind in enumerations else _Kind.TYPE_MESSAGE
        made.type_name = f".{package}.{kind}"
