"""Monitor: follows one test score and knows the best it has been."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engine.net import Net
from engine.schema import SolverParameter
from engine.solver.listener import Standing
from engine.solver.parts import exact
from engine.solver.scores import AVERAGED, Scored, score_names
from layers.base import State
from layers.errors import DemitasseError, did_you_mean


class Monitor:
    """Follows the score that ``monitor`` names: an output of test net 0, or ``k:output`` of k.

    A score is better than the best so far if it differs from it by more than ``min_delta`` in
    the direction of ``monitor_mode``; one that is not finite never is.

    Args:
        param: the solver's settings.
        nets: the test nets.

    Raises:
        DemitasseError: no test net has such an output.
    """

    def __init__(self, param: SolverParameter, nets: Sequence[Net]):
        self.name = param.monitor
        self._net, self.output = find_output(param, nets)
        self._delta = param.min_delta
        self._upwards = _is_upwards(param, nets[self._net], self.output)
        self.best: float
        self.best_iteration: int
        self.waited: int
        self.heard: int
        self.set_state({})

    def hear(self, iteration: int, scores: Sequence[Mapping[str, float]]) -> bool | None:
        """Takes in a test's scores of all nets; returns whether the score is a better one.

        None when the test of this iteration was heard before: a resumed run repeats the one
        at which the run before it ended.
        """
        if iteration == self.heard:
            return None
        self.heard = iteration
        score = scores[self._net].get(self.output, math.nan)
        gain = score - self.best if self._upwards else self.best - score
        if math.isfinite(score) and (math.isnan(self.best) or gain > self._delta):
            self.best, self.best_iteration, self.waited = score, iteration, 0
            return True
        self.waited += 1
        return False

    @property
    def standing(self) -> Standing:
        """How the score stands."""
        return Standing(self.name, self.best, self.best_iteration, self.waited)

    def get_state(self) -> State:
        return {
            "name": self.name,
            "best": exact(self.best),
            "best_iteration": self.best_iteration,
            "waited": self.waited,
            "heard": self.heard,
        }

    def set_state(self, state: State) -> None:
        if state and state["name"] != self.name:
            raise DemitasseError(f'it followed "{state["name"]}"')
        self.best = float(state.get("best", math.nan))
        self.best_iteration = int(state.get("best_iteration", 0))
        self.waited = int(state.get("waited", 0))
        self.heard = int(state.get("heard", -1))


def find_output(param: SolverParameter, nets: Sequence[Scored]) -> tuple[int, str]:
    """The number of the test net, and its output, that ``monitor`` names.

    Raises:
        DemitasseError: no test net has such an output.
    """
    outputs = [(number, name) for number, net in enumerate(nets) for name in _names(net, param)]
    known = {
        name if number == 0 else f"{number}:{name}": (number, name) for number, name in outputs
    }
    wanted = param.monitor.removeprefix("0:")
    if wanted not in known:
        raise DemitasseError(
            f'no test output is called "{param.monitor}"',
            "solver, monitor",
            expected=", ".join(known) or "none: the solver tests no net",
            hint=did_you_mean(wanted, known),
            id="DM410",
        )
    return known[wanted]


def _names(net: Scored, param: SolverParameter) -> list[str]:
    plain = score_names(net, param.test_compute_loss)
    return plain + ([AVERAGED + name for name in plain] if param.ema_decay else [])


def _is_upwards(param: SolverParameter, net: Net, output: str) -> bool:
    """Whether more is better: as the config says, else for accuracies."""
    if param.HasField("monitor_mode"):
        return bool(param.monitor_mode == param.MAX)
    blob = output.removeprefix(AVERAGED).partition("[")[0]
    makers = [node.layer.type for node in net.nodes if blob in [top.name for top in node.top]]
    return "accuracy" in blob.lower() or "Accuracy" in makers
