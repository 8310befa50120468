"""pycaffe's solvers by the name of their update rule: ``caffe.SGDSolver("solver.prototxt")``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, ClassVar

from engine.schema import SolverParameter
from engine.solver import Solver
from engine.solver.config import as_spec
from engine.spec import SolverSpec

log = logging.getLogger("demitasse")


class _SolverOfType(Solver):
    """A solver whose update rule is that of its class, whatever the file says, as in pycaffe.

    Args:
        source: as for Solver.
        options: as for Solver.
    """

    type: ClassVar[str]

    def __init__(self, source: str | Path | SolverParameter | SolverSpec, **options: Any):
        spec = as_spec(source, options.pop("overrides", ()))
        if spec.param.HasField("type") and spec.param.type != self.type:
            name = type(self).__name__
            log.warning(
                '%s trains by %s; the file says type "%s"', name, self.type, spec.param.type
            )
        spec.param.type = self.type
        super().__init__(spec, **options)


class SGDSolver(_SolverOfType):
    """Gradient descent with momentum."""

    type = "SGD"


class NesterovSolver(_SolverOfType):
    """Nesterov's accelerated gradient."""

    type = "Nesterov"


class AdaGradSolver(_SolverOfType):
    """AdaGrad."""

    type = "AdaGrad"


class RMSPropSolver(_SolverOfType):
    """RMSProp."""

    type = "RMSProp"


class AdaDeltaSolver(_SolverOfType):
    """AdaDelta."""

    type = "AdaDelta"


class AdamSolver(_SolverOfType):
    """Adam."""

    type = "Adam"
