"""Python layers: leave asked for, pycaffe's interface kept, nothing left behind, errors told."""

from __future__ import annotations

import importlib.machinery
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from engine import TRAIN, LayerError, Net, Solver
from layers.python import caffe

NET = """
layer { name: "data" type: "Input" top: "x" input_param { shape { dim: [4, 3] } } }
layer { name: "user" type: "Python" bottom: "x" top: "y" PARAM }
"""
DOUBLE = """
import caffe
import helper

class Double(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = helper.FACTOR * float(self.param_str or 1)
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        import caffe as late
        assert late.Layer is caffe.Layer and self.phase == late.TRAIN
        top[0].data[...] = self.factor * bottom[0].data
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.factor * top[0].diff
"""


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    return folder


def build(folder: Path, param: str, allow_code: bool = True, **options: object) -> Net:
    config = folder / "net.prototxt"
    config.write_text(NET.replace("PARAM", f"python_param {{ {param} }}"))
    return Net(config, phase=TRAIN, allow_code=allow_code, **options)


def refused(folder: Path, param: str) -> LayerError:
    with pytest.raises(LayerError) as caught:
        net = build(folder, param)
        net.forward()
        net.backward()
    assert 'layer "user" (Python)' in str(caught.value)
    return caught.value


def test_needs_leave(tmp_path: Path) -> None:
    write(tmp_path, mine="raise SystemExit('this code must not run')")
    with pytest.raises(LayerError) as caught:
        build(tmp_path, 'module: "mine" layer: "Double"', allow_code=False)
    for words in ('class "Double"', 'module "mine"', "--allow-code", "your rights", '"user"'):
        assert words in str(caught.value)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    write(tmp_path, mine=DOUBLE, helper="FACTOR = 2")
    modules, path = dict(sys.modules), list(sys.path)
    net = build(tmp_path, 'module: "mine" layer: "Double" param_str: "1.5"')
    out = net.forward(x=np.ones((4, 3)))["y"]
    np.testing.assert_array_equal(out, np.full((4, 3), 3.0))
    assert not {"caffe", "mine", "helper"} & set(sys.modules)
    assert all(sys.modules.get(name) is module for name, module in modules.items())
    assert sys.path == path


def test_nothing_is_left_behind_by_errors(tmp_path: Path) -> None:
    write(tmp_path, mine="import caffe\nimport helper\n1 / 0", helper="import sys\nsys.path.pop(0)")
    path = list(sys.path)
    refused(tmp_path, 'module: "mine" layer: "X"')
    assert not {"caffe", "mine", "helper"} & set(sys.modules) and sys.path == path


def test_same_name_in_two_folders(tmp_path: Path) -> None:
    one = write(tmp_path / "one", mine=DOUBLE, helper="FACTOR = 2")
    two = write(tmp_path / "two", mine=DOUBLE, helper="FACTOR = 5")
    nets = [build(folder, 'module: "mine" layer: "Double"') for folder in (one, two)]
    for net, factor in zip(nets, (2, 5), strict=True):
        assert net.forward(x=np.ones((4, 3)))["y"][0, 0] == factor


def test_a_name_that_the_program_uses(tmp_path: Path) -> None:
    mine = write(tmp_path / "layers", __init__="", mine=DOUBLE.replace("helper", "layers.helper"))
    write(mine, helper="FACTOR = 3")
    ours = sys.modules["layers"]
    net = build(tmp_path, 'module: "layers.mine" layer: "Double"')
    assert net.forward(x=np.ones((4, 3)))["y"][0, 0] == 3
    assert sys.modules["layers"] is ours and "layers.mine" not in sys.modules


def test_a_module_is_imported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, mine=DOUBLE, helper="print('<once>')\nFACTOR = 2")
    nets = [build(tmp_path, 'module: "mine" layer: "Double"') for _ in range(2)]
    first, second = (net.layer_dict["user"] for net in nets)
    assert type(first.user) is type(second.user) and first.user is not second.user
    assert capsys.readouterr().out.count("<once>") == 1


def test_what_the_program_has_imported_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, mine=DOUBLE.replace("helper", "early"), early="FACTOR = 1")
    monkeypatch.syspath_prepend(tmp_path)
    early = importlib.import_module("early")
    try:
        early.FACTOR = 6  # type: ignore[attr-defined]
        layer = build(tmp_path, 'module: "mine" layer: "Double"').layer_dict["user"]
        assert layer.factor == 6 and sys.modules["early"] is early
    finally:
        del sys.modules["early"]


def test_working_directory_and_pythonpath(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = write(tmp_path / "here", mine=DOUBLE, helper="FACTOR = 2")
    path = write(tmp_path / "path", theirs=DOUBLE.replace("helper", "beside"), beside="FACTOR = 7")
    config = write(tmp_path / "config")
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(path)
    assert build(config, 'module: "mine" layer: "Double"').layer_dict["user"].factor == 2
    assert build(config, 'module: "theirs" layer: "Double"').layer_dict["user"].factor == 7
    assert "caffe" not in sys.modules
    for name in ("theirs", "beside"):
        del sys.modules[name]


def test_pycaffe_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = write(
        tmp_path / "site" / "caffe",
        __init__="""
        TRAIN, TEST, io = 0, 1, "the real one"
        class Layer:
            blobs = property(lambda self: 1 / 0)
            def __init__(self, param):
                raise TypeError("wants a C++ LayerParameter")
        """,
    )
    write(tmp_path, mine=DOUBLE, helper="import caffe\nFACTOR = len(caffe.io)")
    monkeypatch.syspath_prepend(tmp_path / "site")
    net = refused(tmp_path, 'module: "mine" layer: "Double"')
    assert 'no "caffe.io"' in str(net)  # sources alone are no pycaffe
    (real / f"_caffe{importlib.machinery.EXTENSION_SUFFIXES[0]}").touch()
    other = write(tmp_path / "other", mine=DOUBLE, helper="import caffe\nFACTOR = len(caffe.io)")
    try:
        net = build(other, 'module: "mine" layer: "Double"')
        assert net.forward(x=np.ones((4, 3)))["y"][0, 0] == len("the real one")
        assert Path(sys.modules["caffe"].__file__ or "").parent == real
    finally:
        sys.modules.pop("caffe", None)


SQUARED = """
import numpy as np
import caffe

class Fit(caffe.Layer):
    \"\"\"The squared distance to a learnt row.\"\"\"
    def setup(self, bottom, top):
        if len(bottom) != 1:
            raise Exception("one bottom")
        self.blobs.add_blob(bottom[0].channels)
        self.blobs[0].data[...] = 0
    def reshape(self, bottom, top):
        self.diff = np.zeros_like(bottom[0].data, dtype=np.float32)
        top[0].reshape(1)
    def forward(self, bottom, top):
        self.diff[...] = self.blobs[0].data - bottom[0].data
        top[0].data[...] = np.sum(self.diff**2) / bottom[0].num / 2.
    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += self.diff.mean(axis=0)
        if propagate_down[0]:
            bottom[0].diff[...] = -self.diff / bottom[0].num
    def get_state(self):
        return {"seen": 7}
"""


FIT = """
solver: {base_lr: 0.5, lr_policy: fixed, max_iter: 20}
net:
  layer:
    - name: x
      type: DummyData
      dummy_data_param: {shape: {dim: [5, 3]}, data_filler: {value: 2}}
    - name: fit
      type: Python
      loss_weight: 1
      python_param: {module: fit, layer: Fit}
"""


def test_trains_as_a_loss(tmp_path: Path) -> None:
    write(tmp_path, fit=SQUARED)
    config = tmp_path / "fit.yaml"
    config.write_text(FIT)
    solver = Solver(config, allow_code=True)
    solver.step(20)
    layer = solver.net.layer_dict["fit"]
    np.testing.assert_allclose(layer.blobs[0].data, 2, atol=1e-4)
    assert solver.net.params["fit"][0].shape == (3,)
    assert layer.get_state() == {"seen": 7}


def test_in_place(tmp_path: Path) -> None:
    write(tmp_path, mine=DOUBLE, helper="FACTOR = 2")
    config = tmp_path / "net.prototxt"
    param = 'python_param { module: "mine" layer: "Double" }'
    config.write_text(NET.replace('top: "y" PARAM', f'top: "x" {param}'))
    net = Net(config, phase=TRAIN, allow_code=True)
    assert net.forward(x=np.ones((4, 3)))["x"][0, 0] == 2


def test_the_layer_shows_what_the_class_has(tmp_path: Path) -> None:
    write(tmp_path, mine=DOUBLE, helper="FACTOR = 2")
    layer = build(tmp_path, 'module: "mine" layer: "Double"').layer_dict["user"]
    assert layer.factor == 2
    with pytest.raises(AttributeError, match="nothing"):
        _ = layer.nothing


BODY = """
import caffe

class Mine(caffe.Layer):
    def setup(self, bottom, top): SETUP
    def reshape(self, bottom, top): top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top): FORWARD
    def backward(self, top, propagate_down, bottom): BACKWARD
"""
BROKEN = {
    "no module": (None, 'module: "nowhere" layer: "X"', ['no module "nowhere"', "nowhere.py in"]),
    "file name": (None, 'module: "mine.py" layer: "X"', ['module: "mine"']),
    "path": (None, 'module: "../mine" layer: "X"', ["no module's name", "import statement"]),
    "no module named": (None, 'layer: "X"', ["no module's name"]),
    "no class named": ("", 'module: "mine"', ["python_param.layer"]),
    "misspelt class": (BODY, 'module: "mine" layer: "Mien"', ["mine.py", 'did you mean "Mine"']),
    "not a class": ("Mine = 3", 'module: "mine" layer: "Mine"', ['no class "Mine"']),
    "no methods": (
        "class Mine: pass",
        'module: "mine" layer: "Mine"',
        ["no method setup and no reshape and no forward"],
    ),
    "import fails": (
        "import math\n\nimport not_there",
        'module: "mine" layer: "Mine"',
        ["mine.py:3: ModuleNotFoundError", "not_there"],
    ),
    "syntax": ("x = 1\ndef f(:", 'module: "mine" layer: "Mine"', ["mine.py:2: SyntaxError"]),
    "caffe.io": (
        "import caffe.io",
        'module: "mine" layer: "Mine"',
        ["mine.py:1: ModuleNotFoundError", "Layer", "needs pycaffe installed"],
    ),
    "from caffe": (
        "from caffe import Net",
        'module: "mine" layer: "Mine"',
        ["mine.py:1: ImportError", "needs pycaffe installed"],
    ),
    "caffe's parts": (
        BODY.replace("SETUP", "caffe.set_mode_gpu()"),
        'module: "mine" layer: "Mine"',
        ["failed in setup", 'has no "caffe.set_mode_gpu"', "TRAIN"],
    ),
    "in forward": (
        BODY.replace("FORWARD", "1 / 0"),
        'module: "mine" layer: "Mine"',
        ["failed in forward", "mine.py:7: ZeroDivisionError: division by zero"],
    ),
    "deep in forward": (
        BODY.replace("FORWARD", "top[0].data.reshape(5)"),
        'module: "mine" layer: "Mine"',
        ["mine.py:7: ValueError: cannot reshape"],
    ),
    "reshape refused": (
        BODY.replace("FORWARD", "top[0].reshape(-1)"),
        'module: "mine" layer: "Mine"',
        ["mine.py:7: DemitasseError", "negative length"],
    ),
    "late blob": (
        BODY.replace("FORWARD", "self.blobs.add_blob(3)"),
        'module: "mine" layer: "Mine"',
        ["mine.py:7: RuntimeError", "made in setup"],
    ),
    "in backward": (
        BODY.replace("SETUP", "self.blobs.add_blob(1)").replace("BACKWARD", "raise KeyError('k')")
        + "    def __init__(self, param): super().__init__(param)",
        'module: "mine" layer: "Mine" } loss_weight: 1 include {',
        ["net.prototxt:3:1, layer", "failed in backward", "mine.py:8: KeyError: 'k'"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_errors(case: str, tmp_path: Path) -> None:
    text, param, words = BROKEN[case]
    if text is not None:
        for gap in ("SETUP", "FORWARD", "BACKWARD"):
            text = text.replace(gap, "pass")
        write(tmp_path, mine=text)
    error = refused(tmp_path, param)
    for word in words:
        assert word in str(error), str(error)
    if "failed in" in str(error) or "cannot be imported" in str(error):
        assert error.__cause__ is not None


def test_no_backward(tmp_path: Path) -> None:
    body = BODY.replace("SETUP", "self.blobs.add_blob(1)").replace("FORWARD", "pass")
    write(tmp_path, mine=body[: body.index("    def backward")])
    error = refused(tmp_path, 'module: "mine" layer: "Mine" } loss_weight: 1 include {')
    assert "has no backward" in str(error)


def test_the_stand_in_is_named_by_what_it_lacks() -> None:
    with pytest.raises(AttributeError, match=r'"caffe\.Net"'):
        _ = caffe.Net
    assert caffe.Layer().param_str_ == "" and (caffe.TRAIN, caffe.TEST) == (0, 1)
