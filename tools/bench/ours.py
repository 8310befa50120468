"""Our side: ``python -m tools.bench.ours NET THREADS ENGINE PRECISION`` trains on command."""

from __future__ import annotations

import os
import sys

from engine.net.fast_passes import VARIABLE
from engine.solver.listener import Listener, Step
from layers.kernels.threads import set_thread_count
from tools.bench.loop import serve
from tools.bench.nets import make_solver


class _LastLoss(Listener):
    def stepped(self, step: Step) -> None:
        self.loss = step.loss


def main(name: str, threads: int, engine: str, precision: str) -> None:
    """Trains a net of the benchmark."""
    os.environ[VARIABLE] = engine
    set_thread_count(threads)
    solver = make_solver(name, precision=precision)
    solver.net.keep_gradients = False  # as the train command does
    solver.listener = listener = _LastLoss()

    def step() -> float:
        solver.step(1)
        return listener.loss

    serve(step)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
