"""Solver: the training loop, its update rules, tests and snapshots."""

from engine.solver.listener import Listener, LogListener, Standing, Step
from engine.solver.solver import Solver

__all__ = ["Listener", "LogListener", "Solver", "Standing", "Step"]
