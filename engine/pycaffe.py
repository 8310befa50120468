"""pycaffe's module-level names, so that its scripts run with ``import engine as caffe``."""

from __future__ import annotations

import logging
from pathlib import Path

from engine.net.seeds import set_default_seed
from engine.solver import Solver
from layers import layer_types

log = logging.getLogger("demitasse")


def set_mode_cpu() -> None:
    """Does nothing: all computing is done on the CPU."""


def set_mode_gpu() -> None:
    """Says that computing is done on the CPU, and goes on."""
    log.warning("the GPU is asked for; this build computes on the CPU, and goes on")


def set_device(device: int) -> None:
    """Does nothing: there is no other device than the CPU."""


def set_random_seed(seed: int) -> None:
    """Seeds every net that is built from now on without a seed of its own."""
    set_default_seed(seed)


def get_solver(solver_file: str | Path) -> Solver:
    """The solver that the file describes; its ``type`` names the update rule."""
    return Solver(solver_file)


def layer_type_list() -> list[str]:
    """The names of all layer types, sorted."""
    return layer_types()
