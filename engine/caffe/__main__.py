"""Run a script written for pycaffe: ``python -m engine.caffe SCRIPT [ARGUMENTS]``."""

from __future__ import annotations

import os
import runpy
import sys

from engine.caffe.install import install
from engine.errors import DemitasseError

WRONG_USE = 2


def main() -> None:
    """Runs the script as Python would, with ``import caffe`` answered."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print("usage: python -m engine.caffe SCRIPT [ARGUMENTS]", file=sys.stderr)
        sys.exit(WRONG_USE)
    script = sys.argv[1]
    if not os.path.isfile(script):
        print(f"error: {script}: no such script", file=sys.stderr)
        sys.exit(WRONG_USE)
    install()
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    try:
        runpy.run_path(script, run_name="__main__")
    except DemitasseError as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)


if __name__ == "__main__":
    main()
