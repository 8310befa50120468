"""Solver: the training loop (pycaffe's interface)."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.net import Net, weights
from engine.schema import SolverParameter, SolverProgress
from engine.snapshot import progress
from engine.snapshot.state_file import StoredState, write_state, write_state_hdf5
from engine.snapshot.store import Snapshot, find_newest, read_snapshot, snapshot_path
from engine.solver.checks import check_settings, check_writable
from engine.solver.listener import Listener, LogListener, Step
from engine.solver.loss_window import LossWindow
from engine.solver.nets import default_prefix, test_nets, train_net
from engine.solver.optimizer import Optimizer
from engine.solver.schedules import current_step, learning_rate
from engine.solver.scores import mean_outputs, scalar_outputs
from engine.spec import SolverSpec, read_solver

log = logging.getLogger("demitasse")


class Solver:
    """Trains a net as a solver file says, as pycaffe's ``caffe.get_solver``.

    >>> solver = Solver("lenet.yaml")
    >>> solver.step(100)
    >>> solver.net.blobs["loss"].data

    Args:
        source: a solver prototxt, a YAML file with ``solver:`` and ``net:`` sections, a
            SolverParameter, or a SolverSpec.
        overrides: ``solver.path=value`` and ``net.path=value`` settings.
        allow_code: whether the config may name Python code to run.
        listener: hears of progress; by default it goes to the log.

    Raises:
        DemitasseError: the solver or one of its nets is wrong.
    """

    def __init__(
        self,
        source: str | Path | SolverParameter | SolverSpec,
        overrides: Iterable[str] = (),
        allow_code: bool = False,
        listener: Listener | None = None,
    ):
        spec = _as_spec(source, overrides)
        self.param = spec.param
        self.listener = listener or LogListener()
        self.iter = 0
        check_settings(self.param, str(spec.path or "solver"))
        self.prefix = default_prefix(self.param, spec.path)
        if self.param.snapshot or self.param.snapshot_after_train:
            check_writable(self.prefix)
        if self.param.HasField("solver_mode") and self.param.solver_mode == self.param.GPU:
            log.warning("the GPU is asked for; this build computes on the CPU, and goes on")
        given = self.param.random_seed
        self.seed: int = given if given >= 0 else secrets.randbits(31)
        test_specs = test_nets(spec)
        seeds = np.random.SeedSequence(self.seed).generate_state(1 + len(test_specs))
        self.net = Net(train_net(spec), allow_code=allow_code, seed=int(seeds[0]))
        self.test_nets = [
            Net(test.spec, allow_code=allow_code, seed=int(seed))
            for test, seed in zip(test_specs, seeds[1:], strict=True)
        ]
        self.test_iterations = [test.iterations for test in test_specs]
        for net in (self.net, *self.test_nets):
            net.debug_info |= self.param.debug_info
        self.optimizer = Optimizer(self.param, self.net.arena, self.net.learnable)
        self.losses = LossWindow(self.param.average_loss)
        self.test_scores: list[dict[str, float]] = []
        self._stop = False

    def solve(self, resume_file: str | Path | None = None) -> None:
        """Trains to ``max_iter``, with the tests and snapshots that the solver asks for."""
        if resume_file is not None:
            self.restore(resume_file)
        self.step(self.param.max_iter - self.iter)
        every = self.param.snapshot
        if self.param.snapshot_after_train and not (every and self.iter % every == 0):
            self.snapshot()
        interval = self.param.test_interval
        if interval and self.iter % interval == 0 and not self._stop:
            self.test_all()

    def step(self, iterations: int) -> None:
        """Runs so many training iterations, testing and snapshotting on the way."""
        end = self.iter + iterations
        while self.iter < end and not self._stop:
            if self._test_is_due():
                self.test_all()
            self._iterate()
            if self.param.snapshot and self.iter % self.param.snapshot == 0:
                self.snapshot()

    def stop(self) -> None:
        """Ends ``step`` and ``solve`` after the iteration that is running."""
        self._stop = True

    def test_all(self) -> list[dict[str, float]]:
        """Tests every test net: the mean of each output over ``test_iter`` batches."""
        self.test_scores = []
        for index, (net, iterations) in enumerate(
            zip(self.test_nets, self.test_iterations, strict=True)
        ):
            net.share_with(self.net)
            scores = mean_outputs(net, iterations)
            self.test_scores.append(scores)
            self.listener.tested(self.iter, index, scores)
        return self.test_scores

    def snapshot(self) -> Path:
        """Writes the model, then the state that makes the pair a snapshot.

        Returns:
            the path of the solver state.

        Raises:
            SnapshotError: a file cannot be written; earlier snapshots are untouched.
        """
        hdf5 = self.param.snapshot_format == self.param.HDF5
        model = snapshot_path(self.prefix, self.iter, "caffemodel", hdf5)
        path = snapshot_path(self.prefix, self.iter, "solverstate", hdf5)
        digest = weights.save(self.net, model, self.param.snapshot_diff)
        state = StoredState(
            self.iter,
            str(model),
            # As Caffe, whose count is that of the last update done.
            current_step(self.param, max(0, self.iter - 1)),
            self.optimizer.history(),
            self._progress(digest),
        )
        (write_state_hdf5 if hdf5 else write_state)(path, state)
        self.listener.snapshotted(path)
        return path

    def restore(self, file: str | Path) -> None:
        """Continues from a solver state, ours (bit for bit) or Caffe's.

        Raises:
            DemitasseError: the file, or the model beside it, is missing, damaged, or
                belongs to another net or solver; nothing has changed then.
        """
        self._restore(read_snapshot(Path(file)))

    def restore_newest(self) -> Path | None:
        """Continues from the newest good snapshot of the prefix; None when there is none."""
        snapshot = find_newest(self.prefix)
        if snapshot is None:
            return None
        self._restore(snapshot)
        return snapshot.path

    def _iterate(self) -> None:
        self.net.clear_param_diffs()
        iter_size = self.param.iter_size
        loss = sum(self.net.forward_backward() for _ in range(iter_size)) / iter_size
        rate = learning_rate(self.param, self.iter)
        step = Step(self.iter, loss, self.losses.add(loss), rate, self.batch_size * iter_size)
        if self.param.display and self.iter % self.param.display == 0:
            self.listener.displayed(step, scalar_outputs(self.net))
        self.optimizer.update(rate, self.iter)
        self.iter += 1
        self.listener.stepped(step)

    @property
    def batch_size(self) -> int:
        """Training samples in one pass: the first axis of the net's first blob."""
        shapes = [blob.shape for blob in self.net.blobs.values() if blob.shape]
        return shapes[0][0] if shapes else 1

    def _test_is_due(self) -> bool:
        interval = self.param.test_interval
        due = bool(self.test_nets) and interval > 0 and self.iter % interval == 0
        return due and (self.iter > 0 or self.param.test_initialization)

    def _progress(self, model_digest: bytes | None) -> SolverProgress:
        recent, steps = self.losses.get_state()
        return SolverProgress(
            model_digest=model_digest,
            net=[progress.capture(net) for net in (self.net, *self.test_nets)],
            recent_loss=recent,
            loss_steps=steps,
            seed=self.seed,
        )

    def _restore(self, snapshot: Snapshot) -> None:
        state = snapshot.state
        self.optimizer.check_history(state.history, snapshot.path)
        weights.copy_all(self.net, snapshot.model)
        self.optimizer.set_history(state.history)
        self.iter = state.iteration
        if state.progress is None:
            progress.seek_sources([self.net], self.iter, self.param.iter_size)
        else:
            self.losses.set_state(list(state.progress.recent_loss), state.progress.loss_steps)
            self.seed = state.progress.seed
            nets = (self.net, *self.test_nets)
            for net, stored_net in zip(nets, state.progress.net, strict=False):
                progress.restore(net, stored_net)


def _as_spec(
    source: str | Path | SolverParameter | SolverSpec, overrides: Iterable[str]
) -> SolverSpec:
    if isinstance(source, SolverSpec):
        return source
    if isinstance(source, SolverParameter):
        return SolverSpec(source)
    spec = read_solver(source, overrides)
    for notice in spec.notices:
        log.info("%s: %s", spec.path, notice)
    return spec
