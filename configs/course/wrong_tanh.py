"""A tanh whose backward is wrong, for the gradient check to find."""

import caffe
import numpy as np


class WrongTanh(caffe.Layer):
    """y = tanh x, but dy/dx = 1 - y instead of 1 - y^2."""

    def setup(self, bottom, top):
        pass

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = np.tanh(bottom[0].data)

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff * (1 - top[0].data)
