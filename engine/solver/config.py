"""The whole config of a run in one message: the solver, its nets inside."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from engine.errors import DemitasseError
from engine.schema import NetParameter, SolverParameter
from engine.spec import SolverSpec, find_file, read_net, read_solver, to_yaml
from engine.spec.absolute import make_absolute

log = logging.getLogger("demitasse")

_NET_FILES = {"net": "net_param", "train_net": "train_net_param"}


def resolve(spec: SolverSpec, absolute: bool = False) -> SolverParameter:
    """The solver as read, with the nets that it names by file in their place.

    Args:
        spec: the solver.
        absolute: whether the files that layers read are named by absolute paths, for a config
            that is kept in another folder.

    Raises:
        DemitasseError: a net cannot be read.
    """
    config = SolverParameter()
    config.CopyFrom(spec.param)
    if absolute:
        single = [getattr(config, n) for n in _NET_FILES.values() if config.HasField(n)]
        for written in (*single, *config.test_net_param):
            make_absolute(written, spec.base)
    if spec.net is not None:
        config.net_param.CopyFrom(spec.net.param)
        if absolute:
            make_absolute(config.net_param, spec.net.base)
    for name, inside in _NET_FILES.items():
        if config.HasField(name):
            getattr(config, inside).CopyFrom(_read(spec, getattr(config, name), absolute))
            config.ClearField(name)
    # The solver numbers the nets given as messages before those given by name.
    for name in config.test_net:
        config.test_net_param.add().CopyFrom(_read(spec, name, absolute))
    config.ClearField("test_net")
    return config


def config_yaml(config: SolverParameter, seed: int) -> str:
    """A resolved config as a YAML file that repeats the run.

    Args:
        config: what :func:`resolve` gave.
        seed: the seed that the run drew, where the config gives none.
    """
    solver, net = SolverParameter(), NetParameter()
    solver.CopyFrom(config)
    solver.random_seed = seed
    if solver.HasField("net_param"):
        net.CopyFrom(solver.net_param)
        solver.ClearField("net_param")
    sections = {"solver": solver, "net": net}
    return "\n".join(
        f"{name}:\n" + "".join(f"  {line}\n" for line in to_yaml(message).splitlines())
        for name, message in sections.items()
        if message.ListFields()
    )


def _read(spec: SolverSpec, name: str, absolute: bool) -> NetParameter:
    path = find_file(name, spec.base)
    net = read_net(path, spec.net_overrides).param
    if absolute:
        make_absolute(net, path.parent)
    return net


def as_spec(
    source: str | Path | SolverParameter | SolverSpec, overrides: Iterable[str]
) -> SolverSpec:
    """The specification of a solver given as a file, a message or a specification."""
    if isinstance(source, SolverSpec):
        return source
    if isinstance(source, SolverParameter):
        return SolverSpec(source)
    if not isinstance(source, str | Path):
        raise DemitasseError(
            "a solver is made from a file, a SolverParameter or a SolverSpec",
            got=f"{source!r:.60} ({type(source).__name__})",
        )
    spec = read_solver(source, overrides)
    for notice in spec.notices:
        log.info("%s: %s", spec.path, notice)
    return spec
