"""What ``demitasse snapshot --json`` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.schema import SolverProgress
from layers.blob import Array
from tools.snapshots.facts import Facts


def record(facts: Facts) -> dict[str, Any]:
    """The figures of a file: parameters by layer and, of a solver state, where it stands."""
    found: dict[str, Any] = {
        "file": str(facts.path),
        "kind": "model" if facts.state is None else "solver state",
    }
    if facts.state is not None:
        found["iteration"] = facts.state.iteration
        found["current_step"] = facts.state.current_step
        found["history"] = [_array(array) for array in facts.state.history]
        found["model_problem"] = facts.model_problem or None
    if facts.progress is not None:
        found |= _progress(facts.progress)
    if facts.model is not None:
        found["model"] = str(facts.model.path)
        found["layers"] = [
            {
                "name": name,
                "type": facts.model.types.get(name),
                "parameters": [None if a is None else _array(a) for a in arrays],
            }
            for name, arrays in facts.model.params.items()
        ]
    return found


def _progress(progress: SolverProgress) -> dict[str, Any]:
    return {
        "seed": progress.seed,
        "recent_loss": list(progress.recent_loss),
        "config_digest": progress.config_digest,
        "data": list(progress.data_fingerprint),
        "versions": progress.versions,
        "threads": progress.threads,
    }


def _array(array: Array) -> dict[str, Any]:
    values = array.astype(np.float64)
    return {
        "shape": list(array.shape),
        "norm": float(np.linalg.norm(values)),
        "least": float(values.min(initial=np.inf)),
        "largest": float(values.max(initial=-np.inf)),
        "finite": bool(np.isfinite(values).all()),
    }
