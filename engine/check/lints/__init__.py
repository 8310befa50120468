"""What experience advises against: allowed, but seldom meant. One file a family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from engine.check.lints.blobs import names_used_twice, unread
from engine.check.lints.data import (
    compare_sources,
    covers_its_set,
    random_tests,
    sees_its_set,
    values_of_source,
)
from engine.check.lints.layers import (
    batch_statistics_in_test,
    bias_before_batch_norm,
    foreign_parameters,
    one_class,
    scores_before_loss,
)
from engine.check.lints.learning import all_from_zero, nothing_learns, small_statistics
from engine.check.lints.settings import momentum_of_one, never_tested, steps_too_late, unused
from engine.check.report import CheckedNet
from engine.errors import DemitasseError
from engine.spec import SolverSpec

_OF_NET: tuple[Callable[[CheckedNet], Iterator[DemitasseError]], ...] = (
    names_used_twice,
    foreign_parameters,
    scores_before_loss,
    one_class,
    bias_before_batch_norm,
    batch_statistics_in_test,
    unread,
    all_from_zero,
    values_of_source,
    random_tests,
    covers_its_set,
)


def net_lints(net: CheckedNet) -> Iterator[DemitasseError]:
    """Warnings about one net."""
    for lint in _OF_NET:
        yield from lint(net)


def solver_lints(solver: SolverSpec, nets: Sequence[CheckedNet]) -> Iterator[DemitasseError]:
    """Warnings about a solver's settings, alone and together with its nets."""
    for about_settings in (unused, steps_too_late, momentum_of_one, never_tested):
        yield from about_settings(solver)
    for net in nets:
        if net.in_training:
            yield from nothing_learns(net)
            yield from small_statistics(solver, net)
            yield from sees_its_set(solver, net)
            for other in nets:
                if not other.in_training:
                    yield from compare_sources(net, other)
