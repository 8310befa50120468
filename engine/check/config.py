"""The check of a whole config: the file, the solver's settings, its nets in all their states."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.check.lints import net_lints, solver_lints
from engine.check.net import NetChecker, context_of, loss_problem, may_be_loss
from engine.check.report import Report
from engine.check.states import has_phase, in_state
from engine.errors import DemitasseError
from engine.net.sharing import shared_parameters
from engine.schema import TEST, TRAIN
from engine.solver.checks import check_writable, may_write, no_end, setting_problems
from engine.solver.monitor import find_output
from engine.solver.nets import default_prefix, test_nets, train_net
from engine.spec import NetSpec, SolverSpec, find_file, read_net, read_solver
from engine.spec.raw import is_solver


def check_config(
    path: str | Path,
    overrides: Iterable[str] = (),
    stages: Iterable[str] = (),
    allow_code: bool = False,
) -> Report:
    """Checks a solver with its nets, or a net in its phases; what is wrong is in the report.

    Nothing is computed and no parameter gets a value, but sources are opened.

    Args:
        path: the config, in any form.
        overrides: ``solver.path=value``, ``net.path=value`` and ``vars.name=value`` settings.
        stages: that a net by itself is to be in; a solver says those of its nets.
        allow_code: whether the config may name Python code to run.
    """
    report = Report(str(path))
    check = _Check(report, tuple(overrides), tuple(stages), allow_code)
    try:
        file = find_file(str(path))
        report.path = str(file)
        if is_solver(file):
            check.solver(read_solver(file, check.overrides, report.problems))
        else:
            check.bare_net(read_net(file, check.overrides, report.problems))
        check.shared()
    except DemitasseError as problem:
        report.problems.append(problem)
    return report


class _Check:
    """One run of all checks on a config."""

    def __init__(
        self, report: Report, overrides: tuple[str, ...], stages: tuple[str, ...], allow_code: bool
    ):
        self.report, self.overrides = report, overrides
        self.stages, self.allow_code = stages, allow_code
        self.problems = report.problems

    def solver(self, spec: SolverSpec) -> None:
        """A solver, the net that it trains, and those that it tests."""
        known = len(self.problems)
        self.problems += setting_problems(spec)
        self.deprecated(spec.notices, spec)
        if may_write(spec.param):
            with self.noting():
                prefix = default_prefix(spec.param, spec.path)
                check_writable(prefix, spec.place("snapshot_prefix"))
        unread = "max_epoch" in spec.origins.refused
        if not (spec.param.max_iter or spec.param.HasField("max_epoch") or unread):
            self.problems.append(no_end(spec))
        for net, iterations in self.nets_of(spec):
            self.net(net, trains=True, iterations=iterations)
        self.monitored(spec)
        self.problems += solver_lints(spec, self.report.nets)
        self.problems[known:] = [
            problem for problem in self.problems[known:] if not _follows(problem, spec)
        ]

    def nets_of(self, spec: SolverSpec) -> Iterator[tuple[NetSpec, int | None]]:
        """The net to train, then those to test with the batches in a test, as far as they go."""
        net: NetSpec | None = None
        with self.noting():
            net = train_net(spec)
            self.deprecated(net.notices, net)
            yield net, None
        tested = False
        with self.noting():
            for test in test_nets(spec):
                tested = True
                yield test.spec, test.iterations
        if not tested and net is not None and has_phase(net, TEST):
            yield in_state(net, TEST), None

    def monitored(self, spec: SolverSpec) -> None:
        """Whether a test net has the output that is to be watched, where all could be built."""
        tests = [net for net in self.report.nets if net.iterations is not None]
        if spec.param.monitor and tests and all(net.whole for net in tests):
            try:
                find_output(spec.param, tests)
            except DemitasseError as problem:
                problem.where = spec.place("monitor")
                self.problems.append(problem)

    def shared(self) -> None:
        """Whether the other nets can take over the parameters of the one that learns."""
        for net in self.report.nets[1:]:
            with self.noting():
                for _ in shared_parameters(net.nodes, self.report.nets[0].nodes, net.locate):
                    pass

    def bare_net(self, spec: NetSpec) -> None:
        """A net without a solver: in both phases where it is made for training."""
        self.deprecated(spec.notices, spec)
        reading = any(layer.bottom for layer in spec.param.layer)  # not sources alone
        trains = reading and (has_phase(spec, TRAIN) or any(map(may_be_loss, spec.param.layer)))
        for phase in [TRAIN] * trains + [TEST]:
            state = in_state(spec, phase, self.stages)
            if phase == TEST and has_phase(spec, TRAIN) and not has_phase(spec, TEST):
                continue  # the test net is in another file
            self.net(state, trains)

    def net(self, spec: NetSpec, trains: bool, iterations: int | None = None) -> None:
        """One net in one state."""
        with self.noting():
            context = context_of(spec, self.allow_code)
            checked = NetChecker(spec, context, self.problems).check(trains)
            checked.iterations = iterations
            self.report.nets.append(checked)
            no_loss = loss_problem(checked) if trains else None
            self.problems += [no_loss] if no_loss else []
            self.problems += net_lints(checked)

    def deprecated(self, notices: list[str], spec: NetSpec | SolverSpec) -> None:
        """Old forms, which are read as well as ever."""
        for notice in notices:
            hint = f"`demitasse upgrade {shlex.quote(str(spec.path))}` prints it in today's form"
            where = _place_of_old(notice, spec)
            self.problems.append(
                DemitasseError(f"old form: {notice}", where, hint=hint, id="DM108")
            )

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Adds an error that is raised inside to the report, and goes on after it."""
        try:
            yield
        except DemitasseError as problem:
            self.problems.append(problem)


def _follows(problem: DemitasseError, spec: SolverSpec) -> bool:
    """Whether a problem comes of a setting that is there, but could not be read."""
    refused = {path for path in spec.origins.refused if "." not in path}
    return bool(refused & set(re.findall(r"\w+", problem.what))) and problem.id != "DM101"


def _place_of_old(notice: str, spec: NetSpec | SolverSpec) -> str:
    """Where the first field was written that a notice of an upgrade speaks of, else the file."""
    if isinstance(spec, SolverSpec):
        return spec.place(notice.partition(":")[0])
    old = {"V0 layers": "layers.0", "V1 layers": "layers.0", "input fields": "input"}
    paths = [path for words, path in old.items() if words in notice]
    return str((paths and spec.origins.at(paths[0])) or spec.path)
