"""The sections of a YAML config: the solver's, and the net's in the same file."""

from __future__ import annotations

from engine.errors import ConfigError, DemitasseError, did_you_mean
from engine.schema import SolverParameter
from engine.spec.fields import fields_of
from engine.spec.node import Mapping
from engine.spec.source import refuse_net


def split_sections(
    tree: Mapping, name: str, problems: list[DemitasseError]
) -> tuple[Mapping, Mapping | None]:
    """The solver's tree, and the net's where it is written in the same file."""
    net = tree.get("net")
    section = net if isinstance(net, Mapping) else None
    solver = tree.get("solver")
    if solver is None and section is not None:
        _refuse_others(tree)
    if solver is None:
        rest = Mapping([e for e in tree.entries if e.value is not section], tree.location)
        refuse_net(rest if rest.entries else (section or rest), name)
        return rest, section
    only_sections(tree, problems)
    if not isinstance(solver, Mapping):
        what = '"solver" must hold the solver\'s fields'
        given = DemitasseError(what, str(solver.location), got=solver.describe(), id="DM102")
        raise ConfigError([*problems, given])
    named = [e for e in tree.entries if e.key == "net" and section is None]
    return Mapping([*named, *solver.entries], solver.location), section


def only_sections(tree: Mapping, problems: list[DemitasseError]) -> None:
    """Notes every section of a file that is neither ``solver:`` nor ``net:``."""
    for entry in tree.entries:
        if entry.key not in ("solver", "net"):
            problems.append(
                DemitasseError(
                    f'unknown section "{entry.key}"',
                    str(entry.location),
                    expected='"solver", "net", "vars", "blocks" and "include"',
                    hint="a solver's fields go under `solver:`, a net's under `net:`",
                    id="DM004",
                )
            )


def _refuse_others(tree: Mapping) -> None:
    """Raises a DemitasseError for a section beside ``net:`` whose name says nothing."""
    known = fields_of(SolverParameter.DESCRIPTOR)
    for entry in tree.entries:
        if isinstance(entry.value, Mapping) and entry.key not in known and entry.key != "net":
            what, where = f'unknown section "{entry.key}"', str(entry.location)
            expected = '"solver", "net", "vars", "blocks" and "include"'
            hint = did_you_mean(entry.key, ("solver", "net", "vars", "blocks", "include"))
            raise DemitasseError(what, where, "", expected, hint, "DM004")
