"""Parameters that cannot learn, and statistics of too few samples."""

from __future__ import annotations

from collections.abc import Iterator

from engine.check.lints.words import layers_named
from engine.check.report import CheckedNet
from engine.errors import DemitasseError
from engine.spec import SolverSpec

_WEIGHTED = {
    "Convolution": "convolution_param",
    "DepthwiseConvolution": "convolution_param",
    "ConvolutionDepthwise": "convolution_param",
    "InnerProduct": "inner_product_param",
}


def nothing_learns(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM609: every learning rate is 0."""
    trained = [param for param in net.params if param.lr_mult]
    if not net.whole or trained or not net.graph.layers:
        return
    where = str(net.spec.path or net.spec.param.name)
    what = "no parameter of the net is trained"
    got = f"lr_mult: 0 for all {len(net.params)} parameters" if net.params else "no parameters"
    hint = "give the parameters that are to learn an lr_mult above 0"
    yield DemitasseError(what, where, got, hint=hint if net.params else "", id="DM609")


def all_from_zero(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM614: layers that begin, and without a fine-tuned model remain, at zero.

    One layer of weights learns from zero as well; of two, each hides the gradient of the other.
    """
    zero = []
    for layer in net.graph.layers if net.in_training else ():
        field, node = _WEIGHTED.get(layer.type), net.node(layer)
        if not field or node is None or layer.blobs or not node.layer.param_propagate_down[0]:
            continue
        if layer.param and layer.param[0].name:
            continue  # it may begin as its owner does
        filler = getattr(layer, field).weight_filler
        zero += [layer] if filler.type == "constant" and filler.value == 0 else []
    if len(zero) > 1:
        what = "has weights that begin at 0, so that no gradient tells its units apart"
        hint = "weight_filler: {type: xavier}, or msra before ReLU; --weights would fill them too"
        yield net.problem("DM614", zero[0], what, got=layers_named(zero), hint=hint)


def small_statistics(solver: SolverSpec, net: CheckedNet) -> Iterator[DemitasseError]:
    """DM601: iter_size adds up gradients of several batches, but each is normalised alone."""
    norms = [layer for layer in net.graph.layers if layer.type == "BatchNorm"]
    norms = [layer for layer in norms if not layer.batch_norm_param.use_global_stats]
    size = solver.param.iter_size
    node = net.node(norms[0]) if norms else None
    if not norms or size <= 1:
        return
    batch = f"{node.bottom[0].shape[0]}, not of {size} times that" if node else "one pass"
    what = f"BatchNorm takes its statistics from batches of {batch}"
    got = f"iter_size: {size}; {layers_named(norms)}"
    hint = "raise batch_size and lower iter_size as far as memory allows"
    yield DemitasseError(what, solver.place("iter_size"), got, hint=hint, id="DM601")
