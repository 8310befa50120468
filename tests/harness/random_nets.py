"""Nets that hypothesis draws: of layers that plans know, and others; chains, branches, in place."""

from __future__ import annotations

import math

from hypothesis import strategies as st

FILLERS = 'weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -0.5 max: 0.5 }'

NEURONS = (
    'type: "ReLU"',
    'type: "ReLU" relu_param { negative_slope: 0.2 }',
    'type: "Sigmoid"',
    'type: "TanH"',
    'type: "ELU"',
    'type: "Softmax"',
    'type: "Softmax" softmax_param { axis: -1 }',
    'type: "PReLU"',
    'type: "PReLU" prelu_param { filler { type: "uniform" min: -0.5 max: 1.5 } }',
    'type: "Dropout" dropout_param { dropout_ratio: 0 }',
    'type: "Dropout" dropout_param { dropout_ratio: 0.4 }',
)


class Drawing:
    """A net as far as it is drawn: its layers as text, and the shapes of its blobs.

    Args:
        draw: hypothesis's.
    """

    def __init__(self, draw: st.DrawFn):
        self._draw = draw
        self.layers: list[str] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._read: set[str] = set()
        # Those that a layer may change in place: its maker does not look at it again.
        self._free: set[str] = set()

    def number(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def one_of(self, *values: str) -> str:
        return self._draw(st.sampled_from(values))

    def blob(self, axes: int = 0) -> str:
        """Mostly the newest one, else an older one; "" where there is none of so many axes."""
        names = [name for name, shape in self.shapes.items() if axes in (0, len(shape))]
        if not names:
            return ""
        return names[-1] if self.number(0, 3) else self.one_of(*names)

    @property
    def unread(self) -> list[str]:
        return [name for name in self.shapes if name not in self._read]

    def add(
        self, settings: str, bottoms: list[str], shape: tuple[int, ...], free: bool = True
    ) -> str:
        """A layer with a top of its own, which may be changed in place if it is ``free``."""
        top = f"b{len(self.layers)}"
        self._write(settings, bottoms, top)
        self._read.update(bottoms)
        self.shapes[top] = shape
        if free:
            self._free.add(top)
        return top

    def keep_shape(self, settings: str, bottom: str, free: bool) -> str:
        """A layer that keeps the shape, drawn to work in place where that is allowed."""
        if bottom not in self._free or bottom in self._read or self.number(0, 2) == 0:
            return self.add(settings, [bottom], self.shapes[bottom], free)
        self._write(settings, [bottom], bottom)
        if not free:
            self._free.discard(bottom)
        return bottom

    def _write(self, settings: str, bottoms: list[str], top: str) -> None:
        reads = " ".join(f'bottom: "{name}"' for name in bottoms)
        self.layers.append(
            f'layer {{ name: "l{len(self.layers)}" {reads} top: "{top}" {settings} }}'
        )


def _convolution(net: Drawing) -> None:
    bottom = net.blob(4)
    if not bottom:
        return
    n, channels, *size = net.shapes[bottom]
    group = net.number(1, 3) if net.number(0, 2) == 0 else 1
    group = group if channels % group == 0 else channels
    outputs = group * net.number(1, 6) if net.number(0, 3) else 16 * group
    kernel, pad, stride = int(net.one_of("1", "2", "3", "3", "5")), net.number(0, 2), 1
    stride += net.number(0, 2) == 0
    dilation = 2 if net.number(0, 4) == 0 else 1
    reach = dilation * (kernel - 1) + 1
    if min(size) + 2 * pad < reach:
        return
    settings = (
        f"num_output: {outputs} kernel_size: {kernel} pad: {pad} stride: {stride} "
        f"dilation: {dilation} group: {group} {FILLERS} "
        + net.one_of("", "", "", "bias_term: false", "engine: NUMPY")
    )
    fixed = net.one_of("", "", "", "param { lr_mult: 0 }")
    shape = (n, outputs, *((length + 2 * pad - reach) // stride + 1 for length in size))
    net.add(f'type: "Convolution" {fixed} convolution_param {{ {settings} }}', [bottom], shape)


def _deconvolution(net: Drawing) -> None:
    bottom = net.blob(4)
    if not bottom:
        return
    n, channels, *size = net.shapes[bottom]
    group = channels if net.number(0, 2) == 0 else 1
    outputs = group * net.number(1, 3) if net.number(0, 3) else 16 * group
    kernel, pad = net.number(1, 4), net.number(0, 2)
    # Without gaps between what pixels spread: their equal values would make ties for MAX pooling,
    # in which rounding decides.
    stride = net.number(1, min(kernel, 2))
    dilation = 2 if stride == 1 and net.number(0, 4) == 0 else 1
    beyond = dilation * (kernel - 1) + 1 - 2 * pad
    shape = (n, outputs, *(stride * (length - 1) + beyond for length in size))
    if not 0 < min(shape) <= max(shape) <= 40:
        return
    settings = (
        f"num_output: {outputs} kernel_size: {kernel} pad: {pad} stride: {stride} "
        f"dilation: {dilation} group: {group} {FILLERS} " + net.one_of("", "", "bias_term: false")
    )
    net.add(f'type: "Deconvolution" convolution_param {{ {settings} }}', [bottom], shape)


def _wide_convolutions(net: Drawing) -> None:
    """One to 16 channels, and one that Winograd's transforms can compute."""
    bottom = net.blob(4)
    if not bottom:
        return
    n, _, *size = net.shapes[bottom]
    filler = f'type: "Convolution" convolution_param {{ kernel_size: 1 num_output: 16 {FILLERS} }}'
    bottom = net.add(filler, [bottom], (n, 16, *size))
    kernel = int(net.one_of("3", "5"))
    pad, outputs = net.number(0, kernel - 1), 16 * net.number(1, 2)
    shape = (n, outputs, *(length + 2 * pad - kernel + 1 for length in size))
    if min(shape) > 0:
        settings = f"num_output: {outputs} kernel_size: {kernel} pad: {pad} {FILLERS}"
        net.add(f'type: "Convolution" convolution_param {{ {settings} }}', [bottom], shape)
        _neuron(net)


def _pooling(net: Drawing) -> None:
    bottom = net.blob(4)
    if not bottom:
        return
    *first, h, w = net.shapes[bottom]
    kernel = net.number(2, 3)
    stride = net.number(1, kernel)  # with longer strides, windows may miss the image
    pad = net.number(0, 1)
    if min(h, w) + 2 * pad < kernel:
        return

    def out(length: int) -> int:
        count = math.ceil((length + 2 * pad - kernel) / stride) + 1
        return count - 1 if pad and (count - 1) * stride >= length + pad else count

    pool = net.one_of("MAX", "AVE")
    settings = f"pool: {pool} kernel_size: {kernel} stride: {stride} pad: {pad}"
    net.add(f'type: "Pooling" pooling_param {{ {settings} }}', [bottom], (*first, out(h), out(w)))


def _neuron(net: Drawing) -> None:
    net.keep_shape(net.one_of(*NEURONS), net.blob(), free=False)


def _relu_and_dropout(net: Drawing) -> None:
    top = net.keep_shape(NEURONS[0], net.blob(), free=True)
    net.keep_shape(NEURONS[-1], top, free=False)


def _normalization(net: Drawing) -> None:
    bottom = net.blob(4)
    if not bottom or math.prod(net.shapes[bottom][2:]) * net.shapes[bottom][0] < 4:
        return
    settings = net.one_of("", "", "", "use_global_stats: true")
    top = net.keep_shape(f'type: "BatchNorm" batch_norm_param {{ {settings} }}', bottom, free=True)
    if net.number(0, 2):
        bias = net.one_of("true", "false")
        filler = 'filler { type: "uniform" min: 0.5 max: 1.5 }'
        scale = f'type: "Scale" scale_param {{ bias_term: {bias} {filler} }}'
        top = net.keep_shape(scale, top, free=True)
    if net.number(0, 2):
        net.keep_shape(NEURONS[0], top, free=False)


def _lrn(net: Drawing) -> None:
    bottom = net.blob(4)
    if bottom:
        size = net.one_of("3", "5")
        beta = net.one_of("0.75", "0.75", "0.5")
        region = net.one_of("", "", "norm_region: WITHIN_CHANNEL")
        settings = f"local_size: {size} alpha: 0.3 beta: {beta} {region}"
        shape = net.shapes[bottom]
        net.add(f'type: "LRN" lrn_param {{ {settings} }}', [bottom], shape, free=False)


def _eltwise(net: Drawing) -> None:
    bottom = net.blob()
    shape = net.shapes[bottom]
    same = [name for name, other in net.shapes.items() if other == shape]
    bottoms = [bottom, *(net.one_of(*same) for _ in range(net.number(1, 2)))]
    plain = "", "", "eltwise_param { operation: PROD }", "eltwise_param { operation: MAX }"
    coefficients = "eltwise_param { " + "coeff: 0.5 " * len(bottoms) + "}"
    net.add(f'type: "Eltwise" {net.one_of(*plain, coefficients)}', bottoms, shape)
    if net.number(0, 1):
        _neuron(net)


def _concat(net: Drawing) -> None:
    bottom = net.blob()
    shape = net.shapes[bottom]
    fit = [
        name
        for name, other in net.shapes.items()
        if len(other) == len(shape) and other[:1] + other[2:] == shape[:1] + shape[2:]
    ]
    bottoms = [bottom, *(net.one_of(*fit) for _ in range(net.number(0, 2)))]
    channels = sum(net.shapes[name][1] for name in bottoms)
    net.add('type: "Concat"', bottoms, (shape[0], channels, *shape[2:]))


def _inner_product(net: Drawing) -> None:
    bottom = net.blob()
    outputs = net.number(1, 9)
    settings = f"num_output: {outputs} {FILLERS} " + net.one_of("", "", "", "transpose: true")
    shape = (net.shapes[bottom][0], outputs)
    net.add(f'type: "InnerProduct" inner_product_param {{ {settings} }}', [bottom], shape)


STEPS = (
    _convolution, _convolution, _wide_convolutions, _pooling, _neuron, _relu_and_dropout,
    _normalization, _lrn, _eltwise, _concat, _inner_product, _deconvolution,
)  # fmt: skip


@st.composite
def random_nets(draw: st.DrawFn) -> str:
    """The text of a net of up to nine steps, with a loss on most of what is not read."""
    net = Drawing(draw)
    channels = draw(st.sampled_from([1, 2, 3, 4, 6, 16]))
    shape = (net.number(1, 4), channels, net.number(3, 9), net.number(3, 9))
    dims = " ".join(f"dim: {length}" for length in shape)
    net.add(f'type: "Input" input_param {{ shape {{ {dims} }} }}', [], shape, free=False)
    for _ in range(net.number(1, 9)):
        draw(st.sampled_from(STEPS))(net)
    for index, name in enumerate(net.unread):
        if index and net.number(0, 3) == 0:
            continue  # an output without a loss
        n = net.shapes[name][0]
        ip = f'type: "InnerProduct" inner_product_param {{ num_output: 3 {FILLERS} }}'
        end = net.add(ip, [name], (n, 3), free=False)
        target = f'shape {{ dim: {n} dim: 3 }} data_filler {{ type: "constant" value: 0.3 }}'
        goal = net.add(f'type: "DummyData" dummy_data_param {{ {target} }}', [], (n, 3))
        net.add('type: "EuclideanLoss"', [end, goal], ())
    force = "force_backward: true\n" if net.number(0, 1) else ""
    return force + "\n".join(net.layers) + "\n"
