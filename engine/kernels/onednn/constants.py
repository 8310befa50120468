"""oneDNN's numbers, as its C headers (dnnl_types.h, version 3) give them."""

from __future__ import annotations

BF16, F32 = 2, 3

CPU, IN_ORDER = 1, 1
ANY = 1  # the format tag that lets a primitive choose

FORWARD_TRAINING, BACKWARD, BACKWARD_DATA = 64, 128, 160

CONVOLUTION_DIRECT, DECONVOLUTION_DIRECT = 0x1, 0xA
ELTWISE_RELU, ELTWISE_TANH, ELTWISE_LOGISTIC = 0x20, 0x21, 0x29
RELU_FROM_TOP, TANH_FROM_TOP, LOGISTIC_FROM_TOP = 0x100, 0x101, 0x104
POOLING_MAX, POOLING_AVERAGE_PADDED, POOLING_AVERAGE = 0x1FF, 0x2FF, 0x3FF
LRN_ACROSS_CHANNELS = 0xAFF
SOFTMAX_ACCURATE = 0x30000
BINARY_ADD, BINARY_MULTIPLY, BINARY_DIVIDE = 0x1FFF0, 0x1FFF1, 0x1FFF4
ELTWISE_SQRT, ELTWISE_SOFT_RELU = 0x25, 0x27

GLOBAL_STATS, USE_SCALE, USE_SHIFT, FUSE_RELU = 0x1, 0x2, 0x4, 0x8

SCRATCHPAD_OF_USER = 1

# What a primitive can be asked for.
IMPLEMENTATION = 8
WEIGHTS_MD, DIFF_WEIGHTS_MD, WORKSPACE_MD, SCRATCHPAD_MD = 131, 132, 135, 136

# Together with an argument's number: the factor on it.
SCALE = 4096

# The arguments of primitives.
ARGUMENTS = {
    "src": 1,
    "src_1": 2,
    "dst": 17,
    "weights": 33,
    "bias": 41,
    "mean": 49,
    "variance": 50,
    "scale": 51,
    "shift": 52,
    "workspace": 64,
    "scratchpad": 80,
    "diff_src": 129,
    "diff_dst": 145,
    "diff_weights": 161,
    "diff_bias": 169,
    "diff_scale": 255,
    "diff_shift": 256,
    "multiple_src": 1024,
}
