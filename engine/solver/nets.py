"""Which nets a solver trains and tests: Caffe's many ways to name them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import ConfigError
from engine.net import Net
from engine.schema import TEST, TRAIN, NetParameter, NetState, Phase, SolverParameter
from engine.solver.checks import check_loss_exists
from engine.solver.whole_set import check_sources
from engine.spec import NetSpec, SolverSpec, find_file, read_net
from layers.errors import DemitasseError

log = logging.getLogger("demitasse")

_TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")


@dataclass
class TestNetSpec:
    """A test net, and how many batches one test of it takes; 0: every sample once."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    spec: NetSpec
    iterations: int


@dataclass
class SolverNets:
    """The net to train, the nets to test, and the batches in a test of each."""

    train: Net
    tests: list[Net]
    iterations: list[int]


def build_nets(solver: SolverSpec, seed: int, allow_code: bool) -> SolverNets:
    """Builds the nets of a solver, each with a random generator of its own.

    Raises:
        DemitasseError: one of them is wrong, or does not suit its purpose.
    """
    tests = test_nets(solver)
    seeds = np.random.SeedSequence(seed).generate_state(1 + len(tests))
    train = Net(train_net(solver), allow_code=allow_code, seed=int(seeds[0]))
    check_loss_exists(train)
    built = SolverNets(train, [], [test.iterations for test in tests])
    for test, net_seed in zip(tests, seeds[1:], strict=True):
        net = Net(test.spec, allow_code=allow_code, seed=int(net_seed))
        if test.iterations == 0:
            check_sources(net)
        built.tests.append(net)
    for net in (train, *built.tests):
        net.debug_info |= solver.param.debug_info
    return built


def train_net(solver: SolverSpec) -> NetSpec:
    """The net to train, its state set to TRAIN and the solver's train_state.

    Raises:
        DemitasseError: none is named, or more than one.
    """
    named = _named_train_nets(solver)
    if len(named) != 1:
        raise DemitasseError(
            "the solver must name exactly one net to train",
            str(solver.path or "solver"),
            " and ".join(named) or "none",
            f"one of {', '.join(_TRAIN_FIELDS)}, or a net: section",
            id="DM407",
        )
    net = _read(solver, named[0])
    for notice in net.notices:
        log.info("%s: %s", net.path, notice)
    return _with_state(net, TRAIN, solver.param.train_state)


def test_nets(solver: SolverSpec) -> list[TestNetSpec]:
    """The nets to test, in Caffe's order: test_net_param, test_net, then ``net`` itself.

    Raises:
        DemitasseError: test_iter, test_state or test_interval do not go with them.
    """
    p = solver.param
    specs = [
        NetSpec(param, solver.origins.under(f"test_net_param.{index}"), solver.path)
        for index, param in enumerate(p.test_net_param)
    ]
    specs += [_read_file(solver, name, "test_net") for name in p.test_net]
    generic = [name for name in _named_train_nets(solver) if not name.startswith("train")]
    repeated = max(0, len(p.test_iter) - len(specs)) if generic else 0
    specs += [_read(solver, generic[0]) for _ in range(repeated)]
    problems = list(_test_problems(solver, len(specs)))
    if problems:
        raise ConfigError(problems)
    states = p.test_state or [NetState()] * len(specs)
    return [
        TestNetSpec(_with_state(spec, TEST, state), iterations)
        for spec, state, iterations in zip(specs, states, p.test_iter, strict=True)
    ]


def _test_problems(solver: SolverSpec, nets: int) -> Iterator[DemitasseError]:
    """An error for each setting of the tests that does not go with the others."""
    p = solver.param

    def problem(what: str, field: str, got: str, expected: str = "") -> DemitasseError:
        return DemitasseError(what, solver.place(field), got, expected, id="DM408")

    if len(p.test_iter) != nets:
        what = "test_iter must be given once for every test net"
        yield problem(what, "test_iter", f"{len(p.test_iter)} test_iter, {nets} test nets")
    if p.test_state and len(p.test_state) != nets:
        what = "test_state must be given for every test net or for none"
        yield problem(what, "test_state", f"{len(p.test_state)} test_state, {nets} test nets")
    if nets and p.test_interval <= 0 and not p.HasField("test_epoch"):
        got = str(p.test_interval) if p.HasField("test_interval") else "no test_interval"
        field = "test_interval" if p.HasField("test_interval") else "test_iter"
        expected = "how many iterations to train between tests"
        what = "test nets need test_interval (or test_epoch) above 0"
        yield problem(what, field, got, expected)
    wrong = [str(iterations) for iterations in p.test_iter if iterations < 0]
    if wrong:
        what = "test_iter must be 0 (every sample once) or more"
        yield problem(what, "test_iter", ", ".join(wrong), "the number of batches in a test")


def _named_train_nets(solver: SolverSpec) -> list[str]:
    named = [name for name in _TRAIN_FIELDS if solver.param.HasField(name)]
    return ["net: section", *named] if solver.net is not None else named


def _read(solver: SolverSpec, field: str) -> NetSpec:
    if solver.net is not None and field == "net: section":
        return solver.net
    value: str | NetParameter = getattr(solver.param, field)
    if isinstance(value, str):
        return _read_file(solver, value, field)
    return NetSpec(value, solver.origins.under(field), solver.path)


def _read_file(solver: SolverSpec, name: str, field: str) -> NetSpec:
    try:
        path = find_file(name, solver.base)
    except DemitasseError as problem:
        problem.where = problem.where or solver.place(field)
        raise
    return read_net(path, solver.net_overrides, solver.problems)


def _with_state(spec: NetSpec, phase: Phase, state: NetState) -> NetSpec:
    copy = spec.copy()
    merged = NetState(phase=phase)
    merged.MergeFrom(spec.param.state)
    merged.MergeFrom(state)
    copy.param.state.CopyFrom(merged)
    return copy


def default_prefix(param: SolverParameter, path: Path | None) -> str:
    """The snapshot prefix: as given, else the solver file's name without its extension."""
    if param.snapshot_prefix:
        return param.snapshot_prefix
    return str(path.with_suffix("")) if path is not None else "solver"
