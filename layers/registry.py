"""The registry: from a config's ``type`` to the class that computes it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, TypeVar

from layers.base import Layer, LayerContext
from layers.errors import LayerError, did_you_mean

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
        if held is not None and held.__qualname__ != cls.__qualname__:
            raise LayerError(
                f'layer type "{type_name}" ({engine}) is registered twice',
                got=f"{cls.__module__}.{cls.__qualname__}",
                expected=f"only {held.__module__}.{held.__qualname__}",
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
        LayerError: the type is unknown; the nearest known names are given.
    """
    cls = find_layer(layer_param.type)
    if cls is None:
        raise LayerError(
            f'unknown layer type "{layer_param.type}"',
            f'layer "{layer_param.name}"',
            hint=did_you_mean(layer_param.type, layer_types())
            or "`demitasse layers` lists the types there are",
        )
    return cls(layer_param, context)


def _load_all() -> None:
    """Imports every module of this package and of the entry points; each registers its own."""
    global _loaded
    if _loaded:
        return
    _loaded = True
    import layers

    for module in pkgutil.walk_packages(layers.__path__, "layers."):
        importlib.import_module(module.name)
    for point in entry_points(group=ENTRY_POINT_GROUP):
        point.load()
