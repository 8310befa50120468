"""The published ImageNet nets, built the long way from their descriptions.

Each comes as rows of (layer, type, bottoms, tops, numbers): what the short configs come to.
"""

from __future__ import annotations

from engine.schema import LayerParameter

Row = tuple[str, str, tuple[str, ...], tuple[str, ...], tuple[int, ...]]


class Rows(list[Row]):
    """Layers one after the other."""

    def add(self, name: str, kind: str, bottoms: str, top: str = "", *numbers: int) -> str:
        self.append((name, kind, tuple(bottoms.split()), (top or name,), numbers))
        return top or name

    def conv(
        self, name: str, bottom: str, out: int, kernel: int, stride: int = 1, pad: int = -1,
        group: int = 1,
    ) -> str:  # fmt: skip
        pad = kernel // 2 if pad < 0 else pad
        return self.add(name, "Convolution", bottom, "", out, kernel, stride, pad, group)

    def relu(self, name: str, blob: str) -> str:
        return self.add(name, "ReLU", blob, blob)

    def norms(self, bn: str, scale: str, blob: str) -> str:
        self.add(bn, "BatchNorm", blob, blob)
        return self.add(scale, "Scale", blob, blob)

    def pool(self, name: str, bottom: str, kernel: int, stride: int, average: bool = False) -> str:
        return self.add(name, "Pooling", bottom, "", kernel, stride, int(average))

    def fc(self, name: str, bottom: str, out: int) -> str:
        return self.add(name, "InnerProduct", bottom, "", out)


def row_of(layer: LayerParameter) -> Row:
    numbers: tuple[int, ...] = ()
    if layer.type == "Convolution":
        p = layer.convolution_param
        one = [(list(v) or [d])[0] for v, d in ((p.kernel_size, 0), (p.stride, 1), (p.pad, 0))]
        numbers = (p.num_output, *one, p.group)
    elif layer.type == "Pooling":
        q = layer.pooling_param
        numbers = (0 if q.global_pooling else q.kernel_size, q.stride, q.pool)
    elif layer.type == "InnerProduct":
        numbers = (layer.inner_product_param.num_output,)
    return layer.name, layer.type, tuple(layer.bottom), tuple(layer.top), numbers


def caffenet() -> Rows:
    rows = Rows()
    x = "data"
    for n, out, kernel, stride, pad, group in (
        (1, 96, 11, 4, 0, 1),
        (2, 256, 5, 1, 2, 2),
        (3, 384, 3, 1, 1, 1),
        (4, 384, 3, 1, 1, 2),
        (5, 256, 3, 1, 1, 2),
    ):
        x = rows.relu(f"relu{n}", rows.conv(f"conv{n}", x, out, kernel, stride, pad, group))
        if n in (1, 2, 5):
            x = rows.pool(f"pool{n}", x, 3, 2)
        if n in (1, 2):
            x = rows.add(f"norm{n}", "LRN", x)
    for n in (6, 7):
        x = rows.relu(f"relu{n}", rows.fc(f"fc{n}", x, 4096))
        rows.add(f"drop{n}", "Dropout", x, x)
    rows.fc("fc8", x, 1000)
    rows.add("accuracy", "Accuracy", "fc8 label")
    rows.add("loss", "SoftmaxWithLoss", "fc8 label")
    return rows


INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def inception(rows: Rows, name: str, x: str) -> str:
    at = f"inception_{name}"

    def conv(what: str, bottom: str, out: int, kernel: int) -> str:
        made = rows.conv(f"{at}/{what}", bottom, out, kernel)
        return rows.relu(f"{at}/relu_{what}", made)

    one, red3, three, red5, five, proj = INCEPTION[name]
    conv("1x1", x, one, 1)
    conv("3x3", conv("3x3_reduce", x, red3, 1), three, 3)
    conv("5x5", conv("5x5_reduce", x, red5, 1), five, 5)
    conv("pool_proj", rows.pool(f"{at}/pool", x, 3, 1), proj, 1)
    paths = " ".join(f"{at}/{path}" for path in ("1x1", "3x3", "5x5", "pool_proj"))
    return rows.add(f"{at}/output", "Concat", paths)


def scores(rows: Rows, at: str, x: str, loss: str, blob: str) -> None:
    score = rows.fc(f"{at}/classifier", x, 1000)
    rows.add(f"{at}/{loss}", "SoftmaxWithLoss", f"{score} label", f"{at}/{blob}")
    for top in ("top-1", "top-5"):
        rows.add(f"{at}/{top}", "Accuracy", f"{score} label")


def aside(rows: Rows, at: str, x: str) -> None:
    x = rows.pool(f"{at}/ave_pool", x, 5, 3, average=True)
    x = rows.relu(f"{at}/relu_conv", rows.conv(f"{at}/conv", x, 128, 1))
    x = rows.relu(f"{at}/relu_fc", rows.fc(f"{at}/fc", x, 1024))
    rows.add(f"{at}/drop_fc", "Dropout", x, x)
    scores(rows, at, x, "loss", "loss1")


def googlenet() -> Rows:
    rows = Rows()
    x = rows.relu("conv1/relu_7x7", rows.conv("conv1/7x7_s2", "data", 64, 7, 2))
    x = rows.add("pool1/norm1", "LRN", rows.pool("pool1/3x3_s2", x, 3, 2))
    x = rows.relu("conv2/relu_3x3_reduce", rows.conv("conv2/3x3_reduce", x, 64, 1))
    x = rows.relu("conv2/relu_3x3", rows.conv("conv2/3x3", x, 192, 3))
    x = rows.pool("pool2/3x3_s2", rows.add("conv2/norm2", "LRN", x), 3, 2)
    for name in INCEPTION:
        x = inception(rows, name, x)
        if name in ("3b", "4e"):
            x = rows.pool(f"pool{int(name[0])}/3x3_s2", x, 3, 2)
        if name in ("4a", "4d"):
            aside(rows, "loss1" if name == "4a" else "loss2", x)
    x = rows.pool("pool5/7x7_s1", x, 7, 1, average=True)
    rows.add("pool5/drop_7x7_s1", "Dropout", x, x)
    scores(rows, "loss3", x, "loss3", "loss3")
    return rows


def head(rows: Rows, x: str) -> None:
    rows.fc("fc1000", x, 1000)
    rows.add("loss", "SoftmaxWithLoss", "fc1000 label")
    rows.add("accuracy", "Accuracy", "fc1000 label")


def branch(rows: Rows, at: str, x: str, out: int, kernel: int, stride: int) -> str:
    made = rows.conv(f"res{at}", x, out, kernel, stride)
    return rows.norms(f"bn{at}", f"scale{at}", made)


def residual(counts: list[int], bottleneck: bool) -> Rows:
    rows = Rows()
    x = rows.norms("bn_conv1", "scale_conv1", rows.conv("conv1", "data", 64, 7, 2))
    x = rows.pool("pool1", rows.relu("conv1_relu", x), 3, 2)
    for stage, count in enumerate(counts, 2):
        width = 64 * 2 ** (stage - 2)
        out = 4 * width if bottleneck else width
        for index in range(count):
            at = f"{stage}{'abcdef'[index]}"
            stride = 2 if index == 0 and stage > 2 else 1
            short = x
            if index == 0 and (bottleneck or stage > 2):
                short = branch(rows, f"{at}_branch1", x, out, 1, stride)
            plan = [(width, 3, stride), (width, 3, 1)]
            if bottleneck:
                plan = [(width, 1, stride), (width, 3, 1), (out, 1, 1)]
            for letter, (maps, kernel, step) in zip("abc", plan, strict=False):
                x = branch(rows, f"{at}_branch2{letter}", x, maps, kernel, step)
                if letter != "abc"[len(plan) - 1]:
                    rows.relu(f"res{at}_branch2{letter}_relu", x)
            x = rows.relu(f"res{at}_relu", rows.add(f"res{at}", "Eltwise", f"{short} {x}"))
    x = (
        rows.pool("pool5", x, 7, 1, average=True)
        if bottleneck
        else rows.pool("pool5", x, 0, 1, True)
    )
    head(rows, x)
    return rows


def mobilenet() -> Rows:
    rows = Rows()

    def conv(at: str, relu: str, x: str, out: int, kernel: int, stride: int, group: int) -> str:
        made = rows.conv(at, x, out, kernel, stride, -1, group)
        return rows.relu(relu, rows.norms(f"{at}/bn", f"{at}/scale", made))

    x, maps = conv("conv1", "relu1", "data", 32, 3, 2, 1), 32
    plan = [("2_1", 64, 1), ("2_2", 128, 2), ("3_1", 128, 1), ("3_2", 256, 2), ("4_1", 256, 1)]
    plan += [("4_2", 512, 2), *((f"5_{n}", 512, 1) for n in range(1, 6)), ("5_6", 1024, 2)]
    for at, out, stride in [*plan, ("6", 1024, 1)]:
        x = conv(f"conv{at}/dw", f"relu{at}/dw", x, maps, 3, stride, maps)
        x = conv(f"conv{at}/sep", f"relu{at}/sep", x, out, 1, 1, 1)
        maps = out
    rows.conv("fc7", rows.pool("pool6", x, 0, 1, average=True), 1000, 1)
    rows.add("loss", "SoftmaxWithLoss", "fc7 label")
    rows.add("accuracy", "Accuracy", "fc7 label")
    return rows


PUBLISHED = {
    "caffenet": caffenet,
    "googlenet": googlenet,
    "mobilenet": mobilenet,
    "resnet18": lambda: residual([2, 2, 2, 2], bottleneck=False),
    "resnet50": lambda: residual([3, 4, 6, 3], bottleneck=True),
}
