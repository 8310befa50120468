"""What sources give: its size, its range, and whether training and tests see the same."""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.check.report import CheckedNet
from engine.data.source_layer import SourceLayer
from engine.errors import DemitasseError
from engine.schema import TEST, LayerParameter
from engine.spec import SolverSpec
from layers import find_layer
from layers.blob import Array

_IN_MEMORY = ("ArrayData", "CSVData")  # their first batch costs next to nothing
_IMAGES = ("Data", "ImageData", "ImageFolder", "WindowData")  # bytes, from 0 to 255
_SCALING = ("BatchNorm", "BN", "Scale", "Power", "MVN", "LayerNorm", "Normalize", "Embed", "Python")
_RAW = 100.0  # values up to here do no harm
_CLASSIFIERS = ("SoftmaxWithLoss", "Accuracy", "HingeLoss", "MultinomialLogisticLoss", "FocalLoss")


def sources(net: CheckedNet) -> list[tuple[int, SourceLayer]]:
    """The sources of a net that could be opened, with their place in the graph."""
    found = []
    for index, layer in enumerate(net.graph.layers):
        node = net.node(layer)
        if node is not None and isinstance(node.layer, SourceLayer):
            found.append((index, node.layer))
    return found


def covers_its_set(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM604: a test that leaves samples out, or counts some twice."""
    for index, source in sources(net) if net.iterations else ():
        tested, count = (net.iterations or 0) * source.batch_size, source.sample_count
        if not count or tested % count == 0:
            continue
        batches = math.ceil(count / source.batch_size)
        words = f"{net.iterations} test_iter of {source.batch_size} are {tested} samples"
        rest = f"leaves {count - tested} of its {count} samples out of a test"
        again = f"gives some of its {count} samples more often than others in a test"
        what = rest if tested < count else again
        hint = f"test_iter: {batches} goes through all"
        hint += "" if count % source.batch_size == 0 else ", test_iter: 0 through each once"
        yield net.problem("DM604", net.graph.layers[index], what, got=words, hint=hint)


def sees_its_set(solver: SolverSpec, net: CheckedNet) -> Iterator[DemitasseError]:
    """DM610: a training that ends before it has seen every sample."""
    p = solver.param
    for index, source in sources(net) if p.max_iter > 0 else ():
        seen = p.max_iter * p.iter_size * source.batch_size
        if seen < source.sample_count:
            what = f"training ends after {seen} of its {source.sample_count} samples"
            got = f"max_iter {p.max_iter}, batches of {source.batch_size}"
            epoch = math.ceil(source.sample_count / (p.iter_size * source.batch_size))
            hint = f"max_iter: {epoch} sees each once; max_epoch counts in epochs"
            yield net.problem("DM610", net.graph.layers[index], what, got=got, hint=hint)


def values_of_source(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM606, DM621: pixels as large as they come, and labels that are no class."""
    for index, source in sources(net):
        layer = net.graph.layers[index]
        batch = source.first_batch() if layer.type in _IN_MEMORY else []
        if net.in_training and _is_raw(layer, batch) and _unscaled(net, index):
            what = "gives pixels from 0 to 255, and nothing makes them smaller"
            hint = "transform_param: {scale: 0.00390625} makes them 0 to 1; or subtract a mean"
            yield net.problem("DM606", layer, what, hint=hint)
        if len(batch) > 1:
            yield from _labels(net, index, batch[1])


def _is_raw(layer: LayerParameter, batch: list[Array]) -> bool:
    transform = layer.transform_param
    if transform.scale != 1 or transform.mean_value or transform.mean_file or transform.augment:
        return False
    if batch:
        return batch[0].size > 0 and batch[0].min() >= 0 and float(batch[0].max()) > _RAW
    return layer.type in _IMAGES and not layer.window_data_param.HasField("scale")


def _unscaled(net: CheckedNet, index: int) -> bool:
    readers = net.graph.readers(index)
    return bool(readers) and not any(reader.type in _SCALING for reader in readers)


def _labels(net: CheckedNet, index: int, labels: Array) -> Iterator[DemitasseError]:
    for reader in net.graph.readers(index, 1):
        node = net.node(reader)
        if node is None or reader.type not in _CLASSIFIERS or node.bottom[0].num_axes < 2:
            continue
        classes, greatest = node.bottom[0].shape[1], int(labels.max())
        if greatest >= classes:
            scores = reader.bottom[0]
            what = f'has {classes} classes in "{scores}", and the data has a label {greatest}'
            hint = f"num_output: {greatest + 1} or more; labels count from 0"
            yield net.problem("DM621", reader, what, hint=hint)


def random_tests(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM617: tests whose samples are changed by chance."""
    for layer in net.graph.layers if net.spec.param.state.phase == TEST and net.trains else ():
        only_here = any(rule.HasField("phase") for rule in layer.include)
        if layer.transform_param.mirror and only_here:
            what = "mirrors half of the images of a test, each time others"
            hint = "leave mirror out in the TEST phase"
            yield net.problem("DM617", layer, what, got="mirror: true", hint=hint)


def compare_sources(train: CheckedNet, test: CheckedNet) -> Iterator[DemitasseError]:
    """DM615, DM616: tests on the training data, and on data prepared in another way."""
    for layer in test.graph.layers:
        for other in train.graph.layers:
            if layer == other or layer.bottom or not set(layer.top[:1]) & set(other.top[:1]):
                continue
            name = layer.top[0]
            here, there = _source(layer), _source(other)
            if here and here == there:
                what = f'reads the same data as "{other.name}" does for training'
                hint = "tests tell most on samples that training has not seen"
                yield test.problem("DM615", layer, what, got=f'"{here}"', hint=hint)
            ours, theirs = _preparation(layer), _preparation(other)
            if ours != theirs:
                what = f'prepares "{name}" otherwise than "{other.name}" does for training'
                hint = "the net would meet values that it was not trained on"
                got = f"{ours}, in training {theirs}"
                yield test.problem("DM616", layer, what, got=got, hint=hint)


def _source(layer: LayerParameter) -> str:
    """What a source reads, by the name that the config has for it."""
    cls = find_layer(layer.type)
    if cls is None or not issubclass(cls, SourceLayer):
        return ""
    return str(getattr(layer, cls.param_field).source)


def _preparation(layer: LayerParameter) -> str:
    p = layer.transform_param
    mean = p.mean_file or ", ".join(f"{value:g}" for value in p.mean_value) or "none"
    return f"scale {p.scale:g} and mean {mean}"
