"""Errors in the code of Python layers, told by the line of the user's own file."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from layers.python import caffe


def describe(problem: BaseException, folder: Path | None, file: str | None = None) -> str:
    """``file:line: KindOfError: message``, the line being the last one of the user's code.

    Args:
        problem: what the code raised.
        folder: where the user's code lies.
        file: the user's module, for code that lies on Python's own path.
    """
    message = f"{type(problem).__name__}: {problem}".rstrip(": ")
    if isinstance(problem, SyntaxError) and problem.filename:
        return f"{problem.filename}:{problem.lineno}: {type(problem).__name__}: {problem.msg}"
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename, folder, file)]
    return f"{own[-1].filename}:{own[-1].lineno}: {message}" if own else message


def hint(problem: BaseException) -> str:
    """What to do about a part of pycaffe that is not there, else an empty string."""
    missing = (problem.name or "") if isinstance(problem, ImportError) else ""
    if missing != caffe.__name__ and missing.partition(".")[0] != "caffe":
        return ""
    return (
        f"demitasse answers `import caffe` with {', '.join(caffe.__all__)} only; "
        "a layer that needs more of it needs pycaffe installed"
    )


def _is_own(name: str, folder: Path | None, file: str | None) -> bool:
    path = Path(os.path.abspath(name))
    if folder is not None:
        return path.is_relative_to(folder) and "site-packages" not in path.parts
    return file is not None and path.parent == Path(file).parent
