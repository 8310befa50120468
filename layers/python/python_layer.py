"""Python: a layer written as a class in a module that the config names."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from layers.base import Layer, LayerContext, State
from layers.blob import Blob
from layers.errors import LayerError, did_you_mean
from layers.python import blame, caffe
from layers.python.room import Room, room_of
from layers.registry import register_layer

log = logging.getLogger("demitasse")

_ALWAYS_CALLED = ("setup", "reshape", "forward")


class _Blobs(list[Blob]):
    """The layer's parameters, as pycaffe shows them: a list with ``add_blob``."""

    def __init__(self, make: Callable[[tuple[int, ...]], Blob]):
        super().__init__()
        self._make = make

    def add_blob(self, *shape: int) -> Blob:
        """Appends a parameter of zeros."""
        return self._make(tuple(int(length) for length in shape))


@register_layer("Python")
class PythonLayer(Layer):
    """Runs a class written to pycaffe's interface.

    Formula:    what the class computes in forward(bottom, top)
    Derivative: what it computes in backward(top, propagate_down, bottom)

    The class extends ``caffe.Layer`` and has, besides these two, setup(bottom, top), in which
    ``self.blobs.add_blob(3, 4)`` makes a parameter, and reshape(bottom, top). It finds
    ``self.param_str`` and ``self.phase`` set. With get_state() and set_state(state) of its own it
    resumes exactly. Where pycaffe is not installed ``import caffe`` gives Layer, TRAIN and TEST.

    The module runs with the user's rights, so it runs only with ``--allow-code``, or
    ``Net(..., allow_code=True)``. It is looked for in the working directory, beside the config
    and in the folders above that, then on Python's own path.

    Shapes: bottoms and tops as the class says. Runs in place if the class does.

    Parameters (python_param): module, as in an import statement, and layer, the class in it, both
    needed; param_str, a text for the class to read as it likes. share_in_parallel concerns GPUs
    and does nothing here.

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [4, 3] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [4, 3] } } }
        layer {
          name: "loss" type: "Python" bottom: "a" bottom: "b" top: "loss" loss_weight: 1
          python_param {
            module: "layers.python.examples" layer: "WeightedDistance" param_str: "0.5"
          }
        }

    Source: Caffe's Python layer.
    """

    runs_in_place = True

    def __init__(self, layer_param: Any, context: LayerContext):
        super().__init__(layer_param, context)
        self._ready = False
        self.blobs = _Blobs(self._make_blob)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.python_param
        self._check(p.module, p.layer)
        folder = self._folder(p.module)
        self._room: Room = room_of(folder)
        self._module = self._load(p.module)
        self.user: Any = self._make(self._find_class(p.layer))
        self.user.param_str, self.user.phase = p.param_str, self.phase
        self.user.blobs = self.blobs
        self._call("setup", bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._call("reshape", bottom, top)
        self._ready = True

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._call("forward", bottom, top)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not hasattr(self.user, "backward"):
            raise self.error(f"cannot be trained through: {self._class_name()} has no backward")
        self._call("backward", top, list(propagate_down), bottom)

    def get_state(self) -> State:
        return self._call("get_state") if hasattr(self.user, "get_state") else {}

    def set_state(self, state: State) -> None:
        if hasattr(self.user, "set_state"):
            self._call("set_state", state)

    def __getattr__(self, name: str) -> Any:
        # pycaffe's net.layers holds the user's own object: scripts reach for what it offers.
        if name.startswith("_") or "user" not in self.__dict__:
            raise AttributeError(f'a Python layer has no attribute "{name}"')
        return getattr(self.user, name)

    def _check(self, module: str, cls: str) -> None:
        """Refuses to run code without leave, or without knowing which."""
        if not self.context.allow_code:
            raise self.error(
                f'wants to run Python code, class "{cls}" of module "{module}", and has no leave',
                hint="read that module, then allow it with --allow-code, or in Python with "
                "allow_code=True; it runs with your rights and can do all that you can",
                id="DM303",
            )
        if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", module):
            what = f'python_param.module is no module\'s name: "{module}"'
            raise self.error(what, expected='a name as in an import statement: "my_layers"')
        if not cls:
            raise self.error("needs python_param.layer, the name of the class")

    def _folder(self, module: str) -> Path | None:
        """The folder to import the module from; None where only Python's own path may have it.

        Data may lie in any folder above the config; code from there would be a stranger's.
        """
        stem = module.replace(".", "/")
        for folder in (Path.cwd(), *filter(None, [self.context.folder])):
            if (folder / f"{stem}.py").is_file() or (folder / stem / "__init__.py").is_file():
                return Path(os.path.abspath(folder))
        return None

    def _load(self, name: str) -> ModuleType:
        known = name in self._room.modules or name in sys.modules
        try:
            module = self._room.load(name)
        except Exception as problem:
            missing = isinstance(problem, ModuleNotFoundError) and problem.name
            if missing and self._room.folder is None and f"{name}.".startswith(f"{missing}."):
                raise self._no_module(name) from None
            raise self._failure("cannot be imported", problem) from problem
        if not known:
            log.info('Layer "%s" runs the code in %s', self.name, module.__file__)
        return module

    def _no_module(self, name: str) -> LayerError:
        plain = name.removesuffix(".py")
        return self.error(
            f'there is no module "{name}"',
            expected=f"{plain.replace('.', '/')}.py in the working directory, beside the config, "
            "or on PYTHONPATH",
            hint=f'write it without ".py": module: "{plain}"' if plain != name else "",
        )

    def _find_class(self, name: str) -> type:
        cls = getattr(self._module, name, None)
        where = f'module "{self._module.__name__}" ({self._module.__file__})'
        if not isinstance(cls, type):
            classes = [key for key, value in vars(self._module).items() if isinstance(value, type)]
            raise self.error(f'{where} has no class "{name}"', hint=did_you_mean(name, classes))
        missing = [method for method in _ALWAYS_CALLED if not hasattr(cls, method)]
        if missing:
            raise self.error(f'class "{name}" of {where} has no method {" and no ".join(missing)}')
        return cls

    def _make(self, cls: type) -> Any:
        if not issubclass(cls, caffe.Layer):
            # The real pycaffe's Layer takes a C++ message and guards its attributes: overlay it.
            free = {"param_str": "", "phase": 0, "blobs": (), "__init__": lambda self, *_: None}
            cls = type(cls.__name__, (cls,), free)
        with self._blaming("__init__"), self._room.entered():
            return cls(self.layer_param)

    def _make_blob(self, shape: tuple[int, ...]) -> Blob:
        if self._ready:
            raise RuntimeError("add_blob comes too late: parameters are made in setup")
        return self.add_blob(shape)

    def _call(self, method: str, *arguments: Any) -> Any:
        with self._blaming(method), self._room.entered():
            return getattr(self.user, method)(*arguments)

    @contextmanager
    def _blaming(self, method: str) -> Iterator[None]:
        try:
            yield
        except Exception as problem:
            raise self._failure(f"failed in {method}", problem) from problem

    def _failure(self, what: str, problem: Exception) -> LayerError:
        p, module = self.layer_param.python_param, self.__dict__.get("_module")
        told = blame.describe(problem, self._room.folder, module and module.__file__)
        subject = self._class_name() if module else f'module "{p.module}"'
        return self.error(f"{subject} {what}: {told}", hint=blame.hint(problem))

    def _class_name(self) -> str:
        p = self.layer_param.python_param
        return f'class "{p.layer}" of module "{p.module}"'
