"""Softsign: y = x / (1 + |x|)."""

import numpy as np

from layers import NeuronLayer, register_layer


@register_layer("Softsign")
class Softsign(NeuronLayer):
    """Between -1 and 1, like tanh, but slower to get there."""

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data / (1 + np.abs(bottom[0].data))

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff * (1 - np.abs(top[0].data)) ** 2
