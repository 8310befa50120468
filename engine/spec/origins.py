"""Where the parts of a config were written, so that later errors can point there."""

from __future__ import annotations

from engine.spec.node import Location


class Origins:
    """Locations by path, such as ``layer.3.convolution_param.num_output`` or ``base_lr``.

    ``flawed`` are the names of the layers of which something could not be read, ``refused`` the
    paths that were given a value which is none, or under a name that is no field's.
    """

    def __init__(self) -> None:
        self.flawed: set[str] = set()
        self.refused: set[str] = set()
        self._fields: dict[str, Location] = {}
        self._layers: dict[str, list[str]] = {}  # the paths of all layers of a name, in order

    def under(self, path: str) -> Origins:
        """The origins of the message at a path, such as a net inside a solver."""
        inner = Origins()
        inner.flawed = self.flawed
        head = path + "."
        for known, location in self._fields.items():
            if known.startswith(head):
                inner.add(known.removeprefix(head), location)
        for name, paths in self._layers.items():
            for known in paths:
                if known.startswith(head):
                    inner.add_layer(name, known.removeprefix(head))
        return inner

    def add(self, path: str, location: Location) -> None:
        """Notes where the value at a path was written."""
        self._fields.setdefault(path, location)

    def replace(self, path: str, location: Location) -> None:
        """Notes that the value at a path, and all in it, comes from elsewhere."""
        for known in [known for known in self._fields if known.startswith(path + ".")]:
            del self._fields[known]
        self._fields[path] = location

    def at(self, path: str) -> Location | None:
        """Where the value at a path was written, or the group that it came with."""
        while path:
            if path in self._fields:
                return self._fields[path]
            path = path.rpartition(".")[0]
        return None

    def add_layer(self, name: str, path: str) -> None:
        """Notes the path of a layer."""
        self._layers.setdefault(name, []).append(path)

    def layer(self, name: str, number: int = 0) -> Location | None:
        """Where the layer of this name was defined; of several, counted from 0, the one meant."""
        paths = self._layers.get(name)
        return self._fields.get(paths[number if number < len(paths) else 0]) if paths else None

    def layer_field(self, name: str, field: str, number: int = 0) -> Location | None:
        """Where a field was given in the layer of this name, as for :meth:`layer`."""
        paths = self._layers.get(name)
        if not paths:
            return None
        return self._fields.get(f"{paths[number if number < len(paths) else 0]}.{field}")

    def field(self, path: str) -> Location | None:
        """Where a field was given; a layer may be named by position or by its name."""
        if path in self._fields:
            return self._fields[path]
        head, _, rest = path.partition(".")
        if head in ("layer", "layers"):
            # Names hold dots too: the longest that fits is the one meant.
            for name in sorted(self._layers, key=len, reverse=True):
                if rest == name or rest.startswith(name + "."):
                    return self._fields.get(self._layers[name][0] + rest[len(name) :])
        return None
