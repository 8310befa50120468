"""The registry: from a config's ``type`` to the class that computes it."""

from __future__ import annotations

import importlib
import pkgutil
import traceback
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from layers.base import Layer, LayerContext
from layers.errors import LayerError
from layers.synonyms import known_type

ENTRY_POINT_GROUP = "demitasse.layers"

_classes: dict[tuple[str, str], type[Layer]] = {}
_loaded = False

LayerClass = TypeVar("LayerClass", bound=type[Layer])


def register_layer(type_name: str, engine: str = "NUMPY") -> Callable[[LayerClass], LayerClass]:
    """Class decorator: makes the class available in configs as ``type: "type_name"``.

    Raises:
        LayerError: another class already has this type and engine.
    """

    def register(cls: LayerClass) -> LayerClass:
        held = _classes.get((type_name, engine))
        if held is not None and _full_name(held) != _full_name(cls):
            raise LayerError(
                f'layer type "{type_name}" ({engine}) is registered twice',
                got=_full_name(cls),
                expected=f"only {_full_name(held)}",
            )
        cls.type, cls.engine = type_name, engine
        _classes[type_name, engine] = cls
        return cls

    return register


def find_layer(type_name: str, engine: str = "DEFAULT") -> type[Layer] | None:
    """The class for a type, of the engine asked for where there is one, else of NUMPY."""
    _load_all()
    return _classes.get((type_name, engine)) or _classes.get((type_name, "NUMPY"))


def layer_types() -> list[str]:
    """The names of all layer types, sorted."""
    _load_all()
    return sorted({type_name for type_name, _ in _classes})


def create_layer(layer_param: Any, context: LayerContext) -> Layer:
    """Makes the layer that a LayerParameter describes.

    Raises:
        LayerError: the type is missing, or unknown; the nearest known name is given.
    """
    cls = find_layer(layer_param.type)
    if cls is None:
        given = layer_param.type
        raise LayerError(
            f'unknown layer type "{given}"' if given else "the layer has no type",
            f'layer "{layer_param.name}"',
            expected="" if given else "such as type: Convolution",
            hint=known_type(given, layer_types()) or "`demitasse layers` lists the types there are",
            id="DM204",
        )
    return cls(layer_param, context)


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _load_all() -> None:
    """Imports every module of this package and of the entry points; each registers its own."""
    global _loaded
    if _loaded:
        return
    _loaded = True
    try:
        import layers

        for module in pkgutil.walk_packages(layers.__path__, "layers."):
            importlib.import_module(module.name)
        for point in entry_points(group=ENTRY_POINT_GROUP):
            _load_entry_point(point)
    except BaseException:
        _loaded = False  # the next call is to fail as well, not to find half of the layers
        raise


def _load_entry_point(point: EntryPoint) -> None:
    """Imports what another package offers as layers.

    Raises:
        LayerError: that fails; the package is named.
    """
    package = point.dist.name if point.dist else point.module
    try:
        point.load()
    except Exception as problem:
        told = str(problem) if isinstance(problem, LayerError) else _in_words(problem)
        raise LayerError(
            f'the installed package "{package}" cannot add its layers: {told}',
            hint=f"mend it, or remove it: pip uninstall {package}",
        ) from problem


def _in_words(problem: Exception) -> str:
    """The error with the line that raised it."""
    frames = traceback.extract_tb(problem.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""
    return f"{place}{type(problem).__name__}: {problem}"
