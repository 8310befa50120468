"""The prototxt example in a layer's docstring, from which tests and documentation are made."""

from __future__ import annotations

import inspect
import textwrap

from layers.base import Layer

_HEADING = "Example::"


def example(cls: type[Layer]) -> str:
    """The net in the ``Example::`` section of the class docstring, an empty string without one."""
    _, found, rest = inspect.cleandoc(cls.__doc__ or "").partition(_HEADING + "\n")
    if not found:
        return ""
    lines = rest.splitlines()
    end = next((i for i, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return textwrap.dedent("\n".join(lines[:end])).strip() + "\n"
