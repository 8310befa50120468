"""The solver type: from a list (``solver_type: ADAM``) to a name (``type: "Adam"``)."""

from __future__ import annotations

from engine.schema import SolverParameter
from layers.errors import DemitasseError

_NAMES = {
    SolverParameter.SGD: "SGD",
    SolverParameter.NESTEROV: "Nesterov",
    SolverParameter.ADAGRAD: "AdaGrad",
    SolverParameter.RMSPROP: "RMSProp",
    SolverParameter.ADADELTA: "AdaDelta",
    SolverParameter.ADAM: "Adam",
}


def upgrade_solver_type(solver: SolverParameter) -> list[str]:
    """Replace ``solver_type`` by ``type``."""
    if not solver.HasField("solver_type"):
        return []
    old = SolverParameter.SolverType.Name(solver.solver_type)
    new = _NAMES[solver.solver_type]
    if solver.HasField("type"):
        raise DemitasseError(
            "a solver has either a type or a solver_type, not both",
            got=f'type: "{solver.type}" and solver_type: {old}',
            expected="one of them",
            hint="remove solver_type, the older form",
        )
    solver.type = new
    solver.ClearField("solver_type")
    return [f'solver_type: {old} became type: "{new}"']
