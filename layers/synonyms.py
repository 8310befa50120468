"""What other frameworks call a layer type or a field, for the hint of an error that meets it."""

from __future__ import annotations

from collections.abc import Iterable

from layers.errors import did_you_mean

_TYPES = {
    "InnerProduct": "dense linear fc fullyconnected fully_connected affine gemm ip",
    "Convolution": "conv conv1d conv2d conv3d convolution2d",
    "Deconvolution": "convtranspose convtranspose2d conv2dtranspose transposedconvolution",
    "Pooling": "maxpool maxpool2d maxpooling maxpooling2d avgpool avgpool2d averagepooling2d pool",
    "BatchNorm": "batchnormalization batchnorm1d batchnorm2d",
    "LRN": "localresponsenorm localresponsenormalization",
    "ReLU": "leakyrelu rectifier",
    "Sigmoid": "logistic",
    "Embed": "embedding",
    "Eltwise": "add sum elementwise mul",
    "Concat": "concatenate cat",
    "SoftmaxWithLoss": "crossentropy crossentropyloss softmaxloss softmaxcrossentropy nllloss",
    "SigmoidCrossEntropyLoss": "bce bceloss bcewithlogitsloss binarycrossentropy",
    "EuclideanLoss": "mse mseloss meansquarederror l2loss",
}
_FIELDS = {
    "base_lr": "lr learning_rate learningrate eta",
    "lr_policy": "scheduler lr_scheduler schedule lr_schedule policy decay_policy",
    "max_epoch": "epochs num_epochs n_epochs",
    "max_iter": "iterations num_iterations iters steps max_steps num_steps",
    "type": "optimizer optim solver kind class",
    "random_seed": "seed",
    "snapshot": "checkpoint save_every checkpoint_interval",
    "num_output": "units filters channels out_channels out_features num_filters output_dim",
    "kernel_size": "kernel ksize filter_size",
    "pad": "padding",
    "stride": "strides",
    "bias_term": "bias use_bias",
    "bottom": "input inputs from in",
    "top": "output outputs out",
    "dropout_ratio": "p rate ratio dropout",
    "negative_slope": "alpha leak",
}
_BATCH = "the layer that reads the data has its batch_size, as in data_param: {batch_size: 64}"
_TYPE_OF = {word: name for name, words in _TYPES.items() for word in words.split()}
_FIELD_OF = {word: name for name, words in _FIELDS.items() for word in words.split()}


def known_type(name: str, known: Iterable[str]) -> str:
    """A hint naming the layer type that is meant, or an empty string."""
    return _known(_TYPE_OF.get(name.lower()), name, list(known))


def known_field(name: str, known: Iterable[str]) -> str:
    """A hint naming the field that is meant, or an empty string."""
    known = list(known)
    if name == "batch_size" and "base_lr" in known:  # in a solver
        return _BATCH
    return _known(_FIELD_OF.get(name.lower()), name, known)


def _known(meant: str | None, name: str, known: list[str]) -> str:
    near = did_you_mean(name, known)
    if meant in known and f'"{meant}"' not in near:
        return f'"{name}" is called "{meant}" here'
    return near
