"""The sections of a YAML config: the solver's, and the net's in the same file."""

from __future__ import annotations

from engine.errors import ConfigError, DemitasseError, did_you_mean
from engine.schema import SolverParameter
from engine.spec.fields import fields_of
from engine.spec.node import Entry, Mapping
from engine.spec.source import refuse_net

_BOTH = "a solver's fields go under `solver:`, a net's under `net:`"


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
        bare = [e for e in tree.entries if e.value is not section]
        rest = Mapping(bare, tree.location, refused=tree.refused)
        refuse_net(rest if rest.entries else (section or rest), name)
        return rest, section
    refused = only_sections(tree, problems)
    if not isinstance(solver, Mapping):
        what = '"solver" must hold the solver\'s fields'
        given = DemitasseError(what, str(solver.location), got=solver.describe(), id="DM102")
        raise ConfigError([*problems, given])
    named = [e for e in tree.entries if e.key == "net" and section is None]
    held = [*named, *solver.entries]
    return Mapping(held, solver.location, refused=[*solver.refused, *refused]), section


def only_sections(tree: Mapping, problems: list[DemitasseError]) -> list[str]:
    """Notes every section of a file that is neither ``solver:`` nor ``net:``.

    Returns:
        the names that they should have had, as far as their fields tell.
    """
    meant = []
    for entry in tree.entries:
        if entry.key not in ("solver", "net"):
            section = _meant(entry)
            meant += [section] * bool(section)
            hint = f"its fields are those of the `{section}:` section" if section else _BOTH
            problems.append(
                DemitasseError(
                    f'unknown section "{entry.key}"',
                    str(entry.location),
                    expected='"solver", "net", "vars", "blocks" and "include"',
                    hint=hint,
                    id="DM004",
                )
            )
    return meant


def _meant(entry: Entry) -> str:
    """The name that a section should have, going by its fields."""
    held = entry.value
    for section, key in (("net", "layer"), ("solver", "base_lr")):
        if isinstance(held, Mapping) and held.get(key) is not None:
            return section
    return ""


def _refuse_others(tree: Mapping) -> None:
    """Raises a DemitasseError for a section beside ``net:`` whose name says nothing."""
    known = fields_of(SolverParameter.DESCRIPTOR)
    for entry in tree.entries:
        if isinstance(entry.value, Mapping) and entry.key not in known and entry.key != "net":
            what, where = f'unknown section "{entry.key}"', str(entry.location)
            expected = '"solver", "net", "vars", "blocks" and "include"'
            hint = did_you_mean(entry.key, ("solver", "net", "vars", "blocks", "include"))
            raise DemitasseError(what, where, "", expected, hint, "DM004")
