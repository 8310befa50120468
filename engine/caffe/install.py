"""Makes ``import caffe`` mean ``engine.caffe``."""

from __future__ import annotations

import sys

import engine.caffe
import engine.net_spec
from engine.caffe import classifier, io, proto
from engine.errors import DemitasseError

_MODULES = {
    "caffe": engine.caffe,
    "caffe.classifier": classifier,
    "caffe.io": io,
    "caffe.net_spec": engine.net_spec,
    "caffe.proto": proto,
    "caffe.proto.caffe_pb2": proto.caffe_pb2,
    "caffe.pycaffe": engine.caffe,
}


def install() -> None:
    """From now on ``import caffe``, and its modules, give those of this package.

    Raises:
        DemitasseError: another pycaffe has been imported already.
    """
    held = sys.modules.get("caffe")
    if held is not None and held is not engine.caffe:
        raise DemitasseError(
            "another package is imported as caffe already",
            got=str(getattr(held, "__file__", held)),
            hint="install() comes before the first `import caffe`",
        )
    sys.modules.update(_MODULES)
