"""Turn nets and solvers of older formats into today's, in memory.

Files of ten years of Caffe keep working: V0 and V1 layers, input fields, old data options, old
BatchNorm training options and the solver type from a list. The rest of the engine only ever
meets the newest form.
"""

from __future__ import annotations

from engine.schema import NetParameter, SolverParameter
from engine.spec.upgrade.fields import (
    upgrade_batch_norm,
    upgrade_data_options,
    upgrade_input_fields,
    upgrade_rounding,
)
from engine.spec.upgrade.solver import upgrade_solver_type
from engine.spec.upgrade.v0 import upgrade_v0_layers
from engine.spec.upgrade.v1 import upgrade_v1_layers

__all__ = ["upgrade_net", "upgrade_solver"]


def upgrade_net(net: NetParameter) -> list[str]:
    """Bring a net to the newest form, in place.

    Returns one notice for each kind of change, none if the net was of the newest form already.

    Raises:
        DemitasseError: the old form contradicts itself, or has no counterpart today.
    """
    # The order matters: each step reads what the one before it wrote.
    steps = (
        upgrade_v0_layers,
        upgrade_data_options,
        upgrade_v1_layers,
        upgrade_input_fields,
        upgrade_batch_norm,
        upgrade_rounding,
    )
    return [notice for step in steps for notice in step(net)]


def upgrade_solver(solver: SolverParameter) -> list[str]:
    """Bring a solver, and the nets written inside it, to the newest form, in place.

    Returns and raises as ``upgrade_net`` does.
    """
    notices = upgrade_solver_type(solver)
    for field in ("net_param", "train_net_param"):
        if solver.HasField(field):
            notices += [f"{field}: {n}" for n in upgrade_net(getattr(solver, field))]
    for index, net in enumerate(solver.test_net_param):
        notices += [f"test_net_param[{index}]: {n}" for n in upgrade_net(net)]
    return notices
