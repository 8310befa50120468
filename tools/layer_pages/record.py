"""The pages on layers for programs: what ``demitasse layers --json`` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tools.layer_pages.page import LayerPage


def list_record(page: LayerPage) -> dict[str, str]:
    """A type in the list of all."""
    return {"type": page.type, "group": page.group, "line": page.line, "file": page.file}


def page_record(page: LayerPage) -> dict[str, Any]:
    """All there is to say of one type."""
    said = {heading.lower(): text for heading, text in page.sections.items()}
    fields = {
        message: [asdict(parameter) for parameter in found]
        for message, found in page.parameters.items()
    }
    examples = {"prototxt": page.prototxt, "yaml": page.yaml}
    return {**list_record(page), **said, "fields": fields, **examples}
