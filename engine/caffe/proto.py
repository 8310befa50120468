"""``caffe.proto``: the messages, as ``from caffe.proto import caffe_pb2`` finds them."""

from engine.schema import demitasse_pb2 as caffe_pb2

__all__ = ["caffe_pb2"]
