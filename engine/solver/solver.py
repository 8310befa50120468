"""Solver: the training loop (pycaffe's interface)."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from engine.errors import SnapshotError
from engine.net import weights
from engine.net.arguments import as_path
from engine.schema import SolverParameter
from engine.snapshot.atomic import Transaction
from engine.snapshot.hdf5 import import_h5py
from engine.snapshot.leftovers import settle
from engine.snapshot.provenance import Provenance
from engine.snapshot.state_file import write_state
from engine.snapshot.store import Snapshot, find_newest, read_snapshot, snapshot_path
from engine.solver.checks import (
    check_iterations,
    check_settings,
    check_writable,
    may_write,
)
from engine.solver.companions import Companions
from engine.solver.config import as_spec, resolve
from engine.solver.divergence import check_loss, check_state, parameters_diverged
from engine.solver.epochs import resolve_epochs
from engine.solver.listener import Listener, LogListener, Step
from engine.solver.loss_window import LossWindow
from engine.solver.nets import build_nets, default_prefix
from engine.solver.old_snapshots import delete_older
from engine.solver.optimizer import Optimizer
from engine.solver.scores import scalar_outputs, score_net
from engine.solver.state import capture_state, restore_state
from engine.spec import SolverSpec

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
        self.spec = spec = as_spec(source, overrides)
        self.param = SolverParameter()
        self.param.CopyFrom(spec.param)
        self.listener = listener or LogListener()
        self.iter = 0
        check_settings(spec)
        self.prefix = default_prefix(self.param, spec.path)
        if may_write(self.param):
            check_writable(self.prefix, spec.place("snapshot_prefix"))
            if self.param.snapshot_format == self.param.HDF5:
                import_h5py()  # better missing now than at the first snapshot
        if self.param.HasField("solver_mode") and self.param.solver_mode == self.param.GPU:
            log.warning("the GPU is asked for; this build computes on the CPU, and goes on")
        given = self.param.random_seed
        self.seed: int = given if given >= 0 else secrets.randbits(31)
        nets = build_nets(spec, self.seed, allow_code)
        self.net, self.test_nets, self.test_iterations = nets.train, nets.tests, nets.iterations
        self.test_interval, self.snapshot_interval = resolve_epochs(self.param, self.net)
        self.optimizer = Optimizer(self.param, self.net.arena, self.net.learnable)
        self.companions = Companions(self.param, self.net, self.test_nets, self.prefix)
        self.losses = LossWindow(self.param.average_loss)
        self.test_scores: list[dict[str, float]] = []
        self.provenance = Provenance(resolve(spec), self.net)
        self.snapshot_seconds, self._saved = 0.0, -1  # of the last one: time, iteration
        self._stop = self._finishing = self._snapshot_asked = False

    def solve(self, resume_file: str | Path | None = None) -> None:
        """Trains to ``max_iter``, with the tests and snapshots that the solver asks for."""
        if resume_file is not None:
            self.restore(resume_file)
        self.step(max(0, self.param.max_iter - self.iter))
        if (self.param.snapshot_after_train or self._finishing) and self._saved != self.iter:
            self.snapshot()
        if self.test_interval.ends_at(self.iter) and not self._stop:
            self.test_all()

    def step(self, iterations: int) -> None:
        """Runs so many training iterations, testing and snapshotting on the way.

        Raises:
            DemitasseError: ``iterations`` is no number of times.
        """
        check_iterations(iterations)
        end = self.iter + iterations
        while self.iter < end and not self._stop:
            if self._test_is_due():
                self.test_all()
                if self._stop:
                    break
            self._iterate()
            if self._finishing:
                self.stop()
            if self._snapshot_is_due():
                self._save()

    def stop(self) -> None:
        """Ends ``step`` and ``solve`` after the iteration that is running."""
        self._stop = True

    def finish(self) -> None:
        """As ``stop``, with a snapshot at the end; a signal handler may call it."""
        self._finishing = self._snapshot_asked = True

    def ask_snapshot(self) -> None:
        """Has a snapshot written after the iteration that is running; as safe as ``finish``."""
        self._snapshot_asked = True

    def test_all(self) -> list[dict[str, float]]:
        """Tests every test net: the mean of each output over ``test_iter`` batches.

        With ``ema_decay`` the scores of the averaged weights stand beside them, as ``ema/NAME``.
        """
        self.test_scores = []
        for index, (net, iterations) in enumerate(
            zip(self.test_nets, self.test_iterations, strict=True)
        ):
            net.share_with(self.net)
            scores = score_net(
                net, iterations, self.companions.average, self.param.test_compute_loss
            )
            self.test_scores.append(scores)
            self.listener.tested(self.iter, index, scores)
        if self.companions.tested(self.iter, self.test_scores, self.listener):
            self.stop()
        return self.test_scores

    def snapshot(self) -> Path:
        """Writes the model, then the state that makes the pair a snapshot.

        Returns:
            the path of the solver state.

        Raises:
            SnapshotError: a file cannot be written; earlier snapshots are untouched.
            DivergedError: a parameter is not finite; nothing is written.
        """
        start = time.perf_counter()
        check_state(self.net, self.optimizer.state, self.iter)
        hdf5 = self.param.snapshot_format == self.param.HDF5
        model = snapshot_path(self.prefix, self.iter, "caffemodel", hdf5)
        path = snapshot_path(self.prefix, self.iter, "solverstate", hdf5)
        settle(self.prefix)
        with Transaction() as files:
            self.companions.save_average(self.iter, files)
            digest = weights.save(self.net, model, self.param.snapshot_diff, files)
            write_state(path, capture_state(self, model, digest), files)
        self._saved, self.snapshot_seconds = self.iter, time.perf_counter() - start
        self.listener.snapshotted(path)
        if self.param.keep_last:
            delete_older(self.prefix, self.iter, self.param.keep_last)
        return path

    def restore(self, file: str | Path) -> None:
        """Continues from a solver state, ours (bit for bit) or Caffe's.

        Raises:
            DemitasseError: the file, or the model beside it, is missing, damaged, or
                belongs to another net or solver; nothing has changed then.
        """
        self._restore(read_snapshot(as_path(file, "a .solverstate")))

    def restore_newest(self) -> Path | None:
        """Continues from the newest good snapshot of the prefix; None when there is none."""
        snapshot = find_newest(self.prefix)
        if snapshot is None:
            return None
        self._restore(snapshot)
        return snapshot.path

    def _iterate(self) -> None:
        iter_size = self.param.iter_size
        loss = sum(self._pass(fresh=index == 0) for index in range(iter_size)) / iter_size
        smoothed = self.losses.add(loss)
        rate = self.companions.rate(self.iter, smoothed)
        step = Step(self.iter, loss, smoothed, rate, self.batch_size * iter_size)
        if self.param.display and self.iter % self.param.display == 0:
            self.listener.displayed(step, scalar_outputs(self.net))
        average = self.companions.average
        if average is not None:
            average.begin()
        if not self.optimizer.update(rate, self.iter):
            raise parameters_diverged(self.net, self.iter + 1)
        if average is not None:
            average.update()
        self.iter += 1
        self.listener.stepped(step)

    def _pass(self, fresh: bool) -> float:
        # What leaves the numbers is said once, by the loss, and not by every operation.
        with np.errstate(all="ignore"):
            loss = self.net.forward_backward(fresh)
        check_loss(self.net, self.iter, loss)
        return loss

    @property
    def batch_size(self) -> int:
        """Training samples in one pass: the first axis of the net's first blob."""
        return next((blob.shape[0] for blob in self.net.blobs.values() if blob.shape), 1)

    def _snapshot_is_due(self) -> bool:
        asked, self._snapshot_asked = self._snapshot_asked, False
        return asked or self.snapshot_interval.ends_at(self.iter)

    def _save(self) -> None:
        """A snapshot on the way, without which training may go on."""
        try:
            self.snapshot()
        except SnapshotError as problem:
            if self._finishing or self.param.snapshot_on_error != self.param.GO_ON:
                raise
            log.warning("no snapshot of iteration %d, training goes on: %s", self.iter, problem)

    def _test_is_due(self) -> bool:
        due = bool(self.test_nets) and self.test_interval.ends_at(self.iter)
        return due and (self.iter > 0 or self.param.test_initialization)

    def _restore(self, snapshot: Snapshot) -> None:
        restore_state(self, snapshot)
        self._saved = self.iter
