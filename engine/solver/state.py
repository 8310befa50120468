"""The state of a solver as a snapshot keeps it, taken and given back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.net import weights
from engine.schema import SolverProgress
from engine.snapshot import progress
from engine.snapshot.state_file import StoredState
from engine.snapshot.store import Snapshot
from engine.solver.checks import check_type
from engine.solver.parts import capture_parts, restore_parts

if TYPE_CHECKING:
    from engine.solver.solver import Solver


def capture_state(solver: Solver, model: Path, model_digest: bytes | None) -> StoredState:
    """Everything that a resume needs beside the model.

    Args:
        solver: between two iterations.
        model: the file that holds its parameters.
        model_digest: that file's SHA-256.
    """
    return StoredState(
        solver.iter,
        str(model),
        # As Caffe, whose count is that of the last update done.
        solver.companions.current_step(max(0, solver.iter - 1)),
        solver.optimizer.history(),
        _capture_progress(solver, model_digest),
    )


def restore_state(solver: Solver, snapshot: Snapshot) -> None:
    """Brings a solver to where a snapshot was taken, bit for bit if we wrote it.

    Raises:
        DemitasseError: it belongs to another net or solver; nothing has changed then.
    """
    state = snapshot.state
    check_type(state, solver.param.type, snapshot.path)
    solver.optimizer.check_history(state.history, snapshot.path)
    weights.copy_all(solver.net, snapshot.model)
    solver.optimizer.set_history(state.history)
    solver.iter = state.iteration
    if state.progress is None:
        solver.companions.start_anew(state.current_step)
        progress.seek_sources([solver.net], solver.iter, solver.param.iter_size)
    else:
        _restore_progress(solver, state.progress)


def _capture_progress(solver: Solver, model_digest: bytes | None) -> SolverProgress:
    recent, steps = solver.losses.get_state()
    state = SolverProgress(
        model_digest=model_digest,
        net=[progress.capture(net) for net in (solver.net, *solver.test_nets)],
        recent_loss=recent,
        loss_steps=steps,
        seed=solver.seed,
        part=capture_parts(solver.companions.parts),
    )
    solver.provenance.record(state)
    return state


def _restore_progress(solver: Solver, state: SolverProgress) -> None:
    solver.losses.set_state(list(state.recent_loss), state.loss_steps)
    solver.seed = state.seed
    restore_parts(solver.companions.parts, state.part)
    for net, stored in zip((solver.net, *solver.test_nets), state.net, strict=False):
        progress.restore(net, stored)
    solver.provenance.tell_changes(state)
