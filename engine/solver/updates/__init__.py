"""Update rules, one a file: the formula, the paper, and the state as a tuple of slots."""

from engine.solver.updates import (
    adadelta,
    adagrad,
    adam,
    adamw,
    amsgrad,
    lars,
    nesterov,
    rmsprop,
    sgd,
)
from engine.solver.updates.base import (
    UpdateRule,
    create_rule,
    find_rule,
    register_solver,
    solver_types,
)
from engine.solver.updates.run import Run

__all__ = [
    "Run",
    "UpdateRule",
    "adadelta",
    "adagrad",
    "adam",
    "adamw",
    "amsgrad",
    "create_rule",
    "find_rule",
    "lars",
    "nesterov",
    "register_solver",
    "rmsprop",
    "sgd",
    "solver_types",
]
