"""Split insertion: a blob read by several layers gets one copy for each reader.

The gradients of the copies then add up in the Split layer's backward. Names are Caffe's:
layer ``data_conv_0_split`` makes ``data_conv_0_split_0``, ``data_conv_0_split_1`` ...
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from engine.schema import LayerParameter, NetParameter
from layers.errors import LayerError, did_you_mean

Top = tuple[int, int]  # the producing layer's index, and which of its tops


def insert_splits(net: NetParameter) -> NetParameter:
    """A copy of the net in which every blob has at most one reader.

    Args:
        net: the net, without the layers that its state excludes; it has no missing bottoms.
    """
    sources, readers = _trace(net)
    result = NetParameter()
    result.CopyFrom(net)
    del result.layer[:]
    used: Counter[Top] = Counter()
    for index, original in enumerate(net.layer):
        layer = result.layer.add()
        layer.CopyFrom(original)
        for position, name in enumerate(original.bottom):
            top = sources[index, position]
            if readers[top] > 1:
                maker = net.layer[top[0]].name
                layer.bottom[position] = split_blob_name(maker, name, top[1], used[top])
                used[top] += 1
        for position in range(len(original.top)):
            if readers[index, position] > 1:
                _add_split(result.layer.add(), layer, position, readers[index, position])
                if _loss_weight(original, position):
                    # The split carries the loss weight from here on, on its first copy.
                    layer.loss_weight[position] = 0
                    used[index, position] += 1
    return result


def split_blob_name(layer: str, blob: str, top: int, copy: int) -> str:
    """The name of one copy of a layer's top."""
    return f"{blob}_{layer}_{top}_split_{copy}"


def missing_bottoms(net: NetParameter, elsewhere: Mapping[str, str]) -> Iterator[LayerError]:
    """An error for each bottom that no earlier layer makes.

    Args:
        net: the net, without the layers that its state excludes.
        elsewhere: blobs that excluded layers make, and what to say of them.
    """
    made: dict[str, None] = {}  # in order
    later = {top for layer in net.layer for top in layer.top}
    for layer in net.layer:
        for name in layer.bottom:
            if name in made:
                continue
            hint = elsewhere.get(name) or _as_list(name, made) or did_you_mean(name, made)
            if name in later and name not in elsewhere:
                hint = "a layer further down makes it: layers run from the first to the last"
            problem = LayerError(
                f'no layer above makes its bottom "{name}"',
                f'layer "{layer.name}" ({layer.type})',
                expected="" if hint else _listed(made),
                hint=hint,
                id="DM201",
            )
            problem.layer_name = layer.name
            yield problem
        made.update(dict.fromkeys(layer.top))


def _as_list(name: str, made: Mapping[str, None]) -> str:
    """How to write several blobs that stand in one text."""
    names = [part for part in re.split(r"[,\s]+", name) if part]
    known = len(names) > 1 and all(part in made for part in names)
    return f"several bottoms are a list: [{', '.join(names)}]" if known else ""


def _listed(names: dict[str, None]) -> str:
    """The blobs there are, the nearest first; of many the last few."""
    nearest = list(reversed(names))
    return "one of " + ", ".join(nearest[:8] + ["..."] * (len(nearest) > 8)) if nearest else ""


def _trace(net: NetParameter) -> tuple[dict[Top, Top], Counter[Top]]:
    """For each bottom the top it reads; for each top how many read it, a loss counting as one."""
    latest: dict[str, Top] = {}
    sources: dict[Top, Top] = {}
    readers: Counter[Top] = Counter()
    for index, layer in enumerate(net.layer):
        for position, name in enumerate(layer.bottom):
            sources[index, position] = latest[name]
            readers[latest[name]] += 1
        for position, name in enumerate(layer.top):
            latest[name] = (index, position)
            if _loss_weight(layer, position):
                readers[index, position] += 1
    return sources, readers


def _loss_weight(layer: LayerParameter, position: int) -> float:
    return layer.loss_weight[position] if position < len(layer.loss_weight) else 0.0


def _add_split(split: LayerParameter, layer: LayerParameter, position: int, count: int) -> None:
    name = layer.top[position]
    split.name = f"{name}_{layer.name}_{position}_split"
    split.type = "Split"
    split.bottom.append(name)
    split.top.extend(split_blob_name(layer.name, name, position, k) for k in range(count))
    weight = _loss_weight(layer, position)
    if weight:
        split.loss_weight.extend([weight] + [0.0] * (count - 1))
