"""Config files -> NetParameter and SolverParameter, checked, upgraded, with overrides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.errors import ConfigError, DemitasseError, identified, identify
from engine.schema import NetParameter, SolverParameter
from engine.spec.binary import decode_message
from engine.spec.bind import bind
from engine.spec.expand import expand
from engine.spec.files import decode_text, find_file, read_bytes
from engine.spec.implied import add_implied, add_implied_to_solver
from engine.spec.length import refuse_long
from engine.spec.node import Mapping
from engine.spec.old_key import read_as_layer
from engine.spec.origins import Origins
from engine.spec.overrides import apply_overrides, of_root, variable_settings
from engine.spec.sections import only_sections, split_sections
from engine.spec.source import Form, form_of, form_of_text, refuse_net, refuse_solver, text_tree
from engine.spec.upgrade import upgrade_net, upgrade_solver


@dataclass
class NetSpec:
    """A net as read.

    Args:
        param: the net in its newest form, before filtering by phase.
        origins: where its parts were written; empty for a binary.
        path: the file it came from.
        notices: what was upgraded.
    """

    param: NetParameter
    origins: Origins = field(default_factory=Origins)
    path: Path | None = None
    notices: list[str] = field(default_factory=list)

    @property
    def base(self) -> Path | None:
        """The folder that file names in the net are looked for in."""
        return self.path.parent if self.path else None

    def copy(self) -> NetSpec:
        """The same with a message of its own."""
        param = NetParameter()
        param.CopyFrom(self.param)
        return replace(self, param=param, notices=list(self.notices))


@dataclass
class SolverSpec:
    """A solver as read.

    Args:
        param: the solver in its newest form; the nets it names are not read.
        net: the net written in the same YAML file.
        path: the file it came from.
        notices: what was upgraded in the solver.
        net_overrides: the overrides meant for its nets; applied already to those written in
            the solver's file, to be given to ``read_net`` for a net in a file of its own.
        origins: where the solver's fields were written.
        problems: gets what is wrong with the nets it names, instead of an error for it.
    """

    param: SolverParameter
    net: NetSpec | None = None
    path: Path | None = None
    notices: list[str] = field(default_factory=list)
    net_overrides: tuple[str, ...] = ()
    origins: Origins = field(default_factory=Origins)
    problems: list[DemitasseError] | None = None

    @property
    def base(self) -> Path | None:
        """The folder that file names in the solver are looked for in."""
        return self.path.parent if self.path else None

    def place(self, field: str) -> str:
        """Where a field of the solver was written; where it was not, the file."""
        return str(self.origins.at(field) or self.path or "solver")


def read_net(
    path: str | Path,
    overrides: Iterable[str] = (),
    problems: list[DemitasseError] | None = None,
) -> NetSpec:
    """Reads a net: prototxt, YAML (bare, or a ``net:`` section), or a binary caffemodel.

    Args:
        path: the file, looked for from the working directory.
        overrides: ``net.PATH=VALUE`` settings; those of other roots are left alone.
        problems: gets what is wrong with single fields, which then is no error: the rest of
            the net is read.

    Raises:
        DemitasseError: the file cannot be read, or is no net.
        ConfigError: everything that is wrong with it.
    """
    file = find_file(str(path))
    data = read_bytes(file)
    form = form_of(file, data)
    if form == "binary":
        _refuse_solver_state(file)
        spec = NetSpec(decode_message(data, NetParameter, file), path=file)
        return _finish_net(spec, overrides)
    text = decode_text(data, str(file))
    return _net_of_text(text, str(file), form, file, overrides, problems)


def parse_net(text: str, name: str = "<text>", overrides: Iterable[str] = ()) -> NetSpec:
    """Reads a net given as prototxt or YAML text.

    Raises:
        ConfigError: everything that is wrong with it.
    """
    return _net_of_text(text, name, form_of_text(text), None, overrides)


def read_solver(
    path: str | Path,
    overrides: Iterable[str] = (),
    problems: list[DemitasseError] | None = None,
) -> SolverSpec:
    """Reads a solver: a Caffe prototxt, or YAML (bare, or a ``solver:`` section).

    A prototxt's nets (``net``, ``train_net``, ``net_param``, ...) stay in ``param`` for the
    solver to resolve. A ``net:`` section in YAML becomes ``SolverSpec.net``; a ``net:`` that is
    a file name becomes ``param.net``.

    Args:
        path: the file, looked for from the working directory.
        overrides: ``solver.PATH=VALUE`` and ``net.PATH=VALUE`` settings.
        problems: gets what is wrong with single fields, which then is no error: the rest of
            the solver is read, and so are its nets later.

    Raises:
        DemitasseError: the file cannot be read, or is no solver.
        ConfigError: everything that is wrong with it.
    """
    file = find_file(str(path))
    data = read_bytes(file)
    form = form_of(file, data)
    if form == "binary":
        raise DemitasseError(
            "this is a binary file, where a solver is expected",
            str(file),
            expected="a solver in prototxt or YAML",
            hint="weights go with --weights, a solverstate with --snapshot",
            id="DM004",
        )
    text = decode_text(data, str(file))
    return _solver_of_text(text, str(file), form, file, overrides, problems)


def parse_solver(text: str, name: str = "<text>", overrides: Iterable[str] = ()) -> SolverSpec:
    """Reads a solver given as prototxt or YAML text.

    Raises:
        ConfigError: everything that is wrong with it.
    """
    return _solver_of_text(text, name, form_of_text(text), None, overrides)


def _net_of_text(
    text: str,
    name: str,
    form: Form,
    path: Path | None,
    overrides: Iterable[str],
    passed_over: list[DemitasseError] | None = None,
) -> NetSpec:
    problems: list[DemitasseError] = []
    overrides = tuple(overrides)
    tree = _expanded_tree(text, name, form, problems, overrides, "a net" if path else None)
    if form == "yaml":
        section = tree.get("net")
        if isinstance(section, Mapping):
            only_sections(tree, problems)
            tree = section
    refuse_solver(tree, name)
    spec = _bind_net(tree, form, path, problems)
    _settle(problems, passed_over)
    return _finish_net(spec, overrides)


def _solver_of_text(
    text: str,
    name: str,
    form: Form,
    path: Path | None,
    overrides: Iterable[str],
    passed_over: list[DemitasseError] | None = None,
) -> SolverSpec:
    problems: list[DemitasseError] = []
    overrides, net = tuple(overrides), None
    tree = _expanded_tree(text, name, form, problems, overrides, "a solver" if path else None)
    if form == "yaml":
        tree, section = split_sections(tree, name, problems)
        tree = add_implied_to_solver(tree)
        net = _bind_net(section, form, path, problems) if section else None
    else:
        refuse_net(tree, name)
    spec = SolverSpec(SolverParameter(), net, path, problems=passed_over)
    bind(tree, spec.param, problems, spec.origins)
    _settle(problems, passed_over)
    with _upgrading(path):
        spec.notices += upgrade_solver(spec.param)
    spec.net_overrides = of_root(overrides, "net")
    apply_overrides(spec.param, overrides, "solver", spec.origins)
    for written in _nets_inside(spec.param):
        apply_overrides(written, spec.net_overrides, "net")
    if net is not None:
        _finish_net(net, spec.net_overrides)
    return spec


def _settle(problems: list[DemitasseError], passed_over: list[DemitasseError] | None) -> None:
    """Ends the reading where there are problems, unless they are to be passed over."""
    if passed_over is not None:
        passed_over += problems
    elif problems:
        raise ConfigError(problems)


def _expanded_tree(
    text: str,
    name: str,
    form: Form,
    problems: list[DemitasseError],
    overrides: tuple[str, ...],
    wanted: str | None,
) -> Mapping:
    """The tree of a text, with what YAML may use beyond the schema expanded.

    An empty one is refused where something is ``wanted``.
    """
    with identified("DM002"):
        refuse_long(text, name)
        tree = text_tree(text, name, form, problems)
    identify(problems, "DM002")
    if wanted and not tree.entries:
        raise DemitasseError("the file is empty", name, expected=wanted, id="DM004")
    settings = variable_settings(overrides)
    if form == "yaml":
        with identified("DM003"):
            tree = expand(tree, name, problems, settings)
        identify(problems, "DM003")
        return tree
    for _, _, where in settings:
        what = "only YAML configs have variables"
        problems.append(DemitasseError(what, where, got=f"{name}, a {form}", id="DM005"))
    return tree


def _nets_inside(solver: SolverParameter) -> list[NetParameter]:
    single = [name for name in ("net_param", "train_net_param") if solver.HasField(name)]
    return [*(getattr(solver, name) for name in single), *solver.test_net_param]


def _bind_net(
    tree: Mapping, form: Form, path: Path | None, problems: list[DemitasseError]
) -> NetSpec:
    spec = NetSpec(NetParameter(), path=path)
    tree = read_as_layer(tree, problems)
    bind(add_implied(tree) if form == "yaml" else tree, spec.param, problems, spec.origins)
    return spec


def _finish_net(spec: NetSpec, overrides: Iterable[str]) -> NetSpec:
    with _upgrading(spec.path):
        spec.notices += upgrade_net(spec.param)
    apply_overrides(spec.param, overrides, "net", spec.origins)
    return spec


@contextmanager
def _upgrading(path: Path | None) -> Iterator[None]:
    """Adds the file to what is wrong with an old form."""
    try:
        with identified("DM107"):
            yield
    except DemitasseError as problem:
        problem.where = ", ".join(filter(None, (str(path or ""), problem.where)))
        raise


def _refuse_solver_state(path: Path) -> None:
    if path.suffix.lower() == ".solverstate":
        raise DemitasseError(
            "this is a solver's state, where a net is expected",
            str(path),
            hint="the weights beside it are in the .caffemodel file",
            id="DM004",
        )
