"""Make the Python module of the schema anew: ``python -m tools.upkeep.generate_schema``.

Reads ``proto/demitasse.proto`` and writes ``engine/schema``: the module, its type stubs, the
package that re-exports them, and the comments, which the module lacks. Needs ``grpcio-tools`` in
exactly the pinned version, because the code that protoc writes demands a protobuf at least as new
as protoc itself.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

# Bundles protoc 31.1, whose code runs on protobuf 6.31.1 up to and including 7.x.
PINNED_GRPCIO_TOOLS = "1.76.0"

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto" / "demitasse.proto"
SCHEMA = ROOT / "engine" / "schema"

FILES = ("__init__.py", "demitasse_pb2.py", "demitasse_pb2.pyi", "comments.json")

_PACKAGE = '''"""The messages of ``proto/demitasse.proto``; made by tools.upkeep.generate_schema."""

from engine.schema.demitasse_pb2 import (
{imports}
)

__all__ = [
{exports}
]
'''


def missing_tools() -> str | None:
    """Why the module cannot be made here, or None when it can."""
    try:
        installed = metadata.version("grpcio-tools")
    except metadata.PackageNotFoundError:
        return f"grpcio-tools is not installed; pip install grpcio-tools=={PINNED_GRPCIO_TOOLS}"
    if installed != PINNED_GRPCIO_TOOLS:
        return f"grpcio-tools is {installed}, the schema is made with {PINNED_GRPCIO_TOOLS}"
    return None


def package_source(descriptor_set: bytes) -> str:
    """The text of ``engine/schema/__init__.py`` for a compiled schema."""
    from google.protobuf import descriptor_pb2

    (file,) = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file
    values = sorted(value.name for enum in file.enum_type for value in enum.value)
    # The linter sorts constants before classes, and classes without regard to case.
    types = [message.name for message in file.message_type] + [e.name for e in file.enum_type]
    names = values + sorted(types, key=str.lower)
    return _PACKAGE.format(
        imports="\n".join(f"    {name}," for name in names),
        exports="\n".join(f'    "{name}",' for name in names),
    )


def comments_of(descriptor_set: bytes) -> dict[str, str]:
    """What the schema says of its messages, fields and values, by their dotted names.

    Of a field with two comments the one behind it counts: that before it heads a group of fields.
    """
    from google.protobuf import descriptor_pb2

    (file,) = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file
    found: dict[str, str] = {}
    for location in file.source_code_info.location:
        text = location.trailing_comments or location.leading_comments
        name = _name_at(file, location.path)
        if text and name:
            found[name] = " ".join(text.split())
    return found


def _name_at(file: Any, path: Any) -> str:
    """The dotted name of what a path of field numbers and positions leads to, if it has one."""
    names, node = [], file
    for number, position in zip(path[::2], path[1::2], strict=False):
        field = node.DESCRIPTOR.fields_by_number[number]
        if field.message_type is None or not hasattr(getattr(node, field.name), "add"):
            return ""
        node = getattr(node, field.name)[position]
        names.append(node.name)
    return ".".join(names) if len(path) % 2 == 0 else ""


def generate(folder: Path) -> list[Path]:
    """Write the schema's files into ``folder`` and return their paths."""
    from grpc_tools import protoc  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as scratch:
        descriptors = Path(scratch) / "schema.pb"
        arguments = [
            "protoc",
            f"--proto_path={PROTO.parent}",
            f"--python_out={folder}",
            f"--pyi_out={folder}",
            f"--descriptor_set_out={descriptors}",
            "--include_source_info",
            str(PROTO),
        ]
        if protoc.main(arguments) != 0:
            raise SystemExit(f"protoc refused {PROTO}")
        compiled = descriptors.read_bytes()
        (folder / "__init__.py").write_text(package_source(compiled))
        comments = json.dumps(comments_of(compiled), indent=1, ensure_ascii=False)
        (folder / "comments.json").write_text(comments + "\n")
    return [folder / name for name in FILES]


def main() -> int:
    """Regenerate the schema in place."""
    problem = missing_tools()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    SCHEMA.mkdir(parents=True, exist_ok=True)
    for path in generate(SCHEMA):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
