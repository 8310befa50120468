"""Update rules, one a file: the formula, the paper, and the state as a tuple of slots."""

from engine.solver.updates import adadelta, adagrad, adam, nesterov, rmsprop, sgd
from engine.solver.updates.base import UpdateRule, create_rule, register_solver, solver_types

__all__ = [
    "UpdateRule",
    "adadelta",
    "adagrad",
    "adam",
    "create_rule",
    "nesterov",
    "register_solver",
    "rmsprop",
    "sgd",
    "solver_types",
]
