"""Parts: what accompanies a solver and has a state, which a snapshot keeps by name."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from engine.schema import LayerProgress
from engine.snapshot.progress import pack_state, unpack_state
from layers.base import State
from layers.blob import Array
from layers.errors import DemitasseError

log = logging.getLogger("demitasse")


class Part(Protocol):
    """Something whose state an exact resume needs."""

    def get_state(self) -> State:
        """All of it; nothing before anything has happened."""

    def set_state(self, state: State) -> None:
        """Takes back what :meth:`get_state` gave; of nothing it starts anew.

        Raises:
            DemitasseError: the state belongs to something else; nothing has changed then.
        """


def capture_parts(parts: Mapping[str, Part]) -> list[LayerProgress]:
    """The states of all parts."""
    return [pack_state(name, part.get_state()) for name, part in parts.items()]


def restore_parts(parts: Mapping[str, Part], stored: Sequence[LayerProgress]) -> None:
    """Gives the parts their states back.

    The config may have changed since: a part that the snapshot does not know starts anew, and
    one that only the snapshot knows is left out. Each is said in a notice.
    """
    states = {entry.name: unpack_state(entry) for entry in stored}
    for name, part in parts.items():
        if name not in states:
            part.set_state({})
            log.warning("the snapshot has no state of %s: it starts anew", name)
            continue
        try:
            part.set_state(states[name])
        except (DemitasseError, KeyError, TypeError, ValueError) as problem:
            part.set_state({})
            log.warning(
                "the snapshot's state of %s does not fit, it starts anew: %s", name, problem
            )
    for name in states.keys() - parts.keys():
        log.warning("the snapshot's state of %s is not used: the config has none", name)


def exact(number: float) -> Array:
    """A float as a state holds it, with all its digits."""
    return np.array(number, np.float64)
