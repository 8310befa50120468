"""engine.caffe: scripts written for pycaffe run unchanged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engine.caffe as caffe
from engine import DemitasseError
from tests.harness.places import ROOT

SCRIPT = """
import os, sys
import numpy as np
import caffe
from caffe import layers as L, params as P
from caffe.proto import caffe_pb2
from google.protobuf import text_format
import helper                             # a module beside the script

def lenet(batch_size):
    n = caffe.NetSpec()
    n.data, n.label = L.DummyData(shape=[dict(dim=[batch_size, 1, 28, 28]), dict(dim=[batch_size])],
                                  data_filler=[dict(type='gaussian'), dict()], ntop=2)
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=4, weight_filler=dict(type='xavier'))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.relu1 = L.ReLU(n.pool1, in_place=True)
    n.score = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type='xavier'))
    n.loss = L.SoftmaxWithLoss(n.score, n.label)
    return n.to_proto()

with open('net.prototxt', 'w') as f:
    f.write(str(lenet(8)))
s = caffe_pb2.SolverParameter()
s.net, s.base_lr, s.lr_policy, s.max_iter = 'net.prototxt', 0.01, 'fixed', 3
s.test_net.append('net.prototxt'); s.test_iter.append(1); s.test_interval = 1000
s.snapshot_prefix = 'run'
with open('solver.prototxt', 'w') as f:
    f.write(str(s))
caffe.set_mode_cpu()
caffe.set_random_seed(0)
solver = caffe.SGDSolver('solver.prototxt')
solver.net.forward()
before = float(solver.net.blobs['loss'].data)
solver.step(3)
solver.test_nets[0].forward()
solver.net.save('trained.caffemodel')
net = caffe.Net('net.prototxt', 'trained.caffemodel', caffe.TEST)
net.params['conv1'][0].data[...] = 0
net.blobs['data'].reshape(2, 1, 28, 28)
read = text_format.Merge(open('net.prototxt').read(), caffe_pb2.NetParameter())
print(sys.argv[1:], helper.NAME, before > 0, [(k, v[0].data.shape) for k, v in net.params.items()],
      list(net._layer_names)[:2], read.layer[2].type, caffe.io.Transformer.__name__)
"""

LAYER = """
import caffe
class Double(caffe.Layer):
    def setup(self, bottom, top): pass
    def reshape(self, bottom, top): top[0].reshape(*bottom[0].data.shape)
    def forward(self, bottom, top): top[0].data[...] = 2 * bottom[0].data
    def backward(self, top, propagate_down, bottom): pass
"""
LAYER_SCRIPT = """
import caffe
from caffe import layers as L
n = caffe.NetSpec()
n.data = L.Input(shape=dict(dim=[1, 2]))
n.two = L.Python(n.data, module='double', layer='Double')
net = caffe.Net(n, phase=caffe.TEST, allow_code=True)
print(net.forward(data=[[1, 2]])['two'])
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine.caffe", *arguments],
        cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )  # fmt: skip


def test_a_script_runs_unchanged(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "helper.py").write_text("NAME = 'beside'\n")
    done = run(tmp_path, "script.py", "--gpu", "0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (
        "['--gpu', '0'] beside True [('conv1', (4, 1, 5, 5)), ('score', (10, 576))] "
        "['data', 'conv1'] Pooling Transformer"
    )


def test_python_layers_of_a_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(LAYER_SCRIPT)
    (tmp_path / "double.py").write_text(LAYER)
    done = run(tmp_path, "script.py")
    assert (done.stdout, done.returncode) == ("[[2. 4.]]\n", 0), done.stderr


def test_what_a_script_does_wrong_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import caffe\ncaffe.Net('none.prototxt', caffe.TEST)\n")
    done = run(tmp_path, "script.py")
    assert done.returncode == 2 and done.stderr.startswith('error: no such file: "none.prototxt"')
    assert "Traceback" not in done.stderr
    for arguments, said in (([], "usage: "), (["none.py"], "error: none.py: no such script")):
        done = run(tmp_path, *arguments)
        assert done.returncode == 2 and done.stderr.startswith(said)


def test_another_caffe_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.caffe.install import install

    monkeypatch.setitem(sys.modules, "caffe", sys)
    with pytest.raises(DemitasseError, match="imported as caffe already"):
        install()


def test_all_names_are_there() -> None:
    for name in caffe.__all__:
        assert getattr(caffe, name) is not None
    with pytest.raises(AttributeError, match=r'no "caffe\.Nett"\. did you mean "Net"\?'):
        _ = caffe.Nett


@pytest.mark.parametrize("kind", ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
def test_solvers_by_name(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(ROOT)
    options = ["solver.snapshot_after_train=false", "solver.snapshot=0", "solver.momentum=0"]
    solver = getattr(caffe, f"{kind}Solver")(
        "configs/mnist/lenet_solver.prototxt", overrides=options
    )
    assert solver.param.type == kind and solver.optimizer is not None
    solver = getattr(caffe, f"{kind}Solver")(
        "configs/mnist/lenet_solver.prototxt", overrides=[*options, "solver.type=AdamW"]
    )
    assert f'{kind}Solver trains by {kind}; the file says type "AdamW"' in caplog.text


CLASSIFIER = """
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 10 dim: 3 dim: 2 dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4
        weight_filler { type: "gaussian" } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""


def test_classifier(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    (tmp_path / "net.prototxt").write_text(CLASSIFIER)
    caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST).save(tmp_path / "w.caffemodel")
    made = caffe.Classifier(
        tmp_path / "net.prototxt", tmp_path / "w.caffemodel", image_dims=(4, 4),
        mean=np.array([1, 2, 3]), raw_scale=255, channel_swap=(2, 1, 0), input_scale=0.01,
    )  # fmt: skip
    images = [np.random.default_rng(n).random((4, 4, 3)) for n in range(3)]
    found = made.predict(images)
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    crops = caffe.io.oversample(images[:1], (2, 2))
    one = np.stack([made.transformer.preprocess("data", crop) for crop in crops])
    np.testing.assert_allclose(found[0], made.forward(data=one)["prob"].mean(0), rtol=1e-5)
    middle = made.predict(images, oversample=False)
    np.testing.assert_allclose(middle[0], made.forward(data=one)["prob"][4], rtol=1e-5)
