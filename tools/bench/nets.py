"""The nets that are measured, each from its config file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine import Solver
from engine.solver.listener import Listener
from engine.spec import read_solver
from tools.timing.inputs import fill_inputs

CONFIGS = Path(__file__).parents[2] / "configs"


@dataclass(frozen=True)
class BenchNet:
    """A net to train.

    Args:
        config: the file, below configs/.
        batch: images at a time, for a config whose batch is a variable.
    """

    config: str
    batch: int = 0

    @property
    def images(self) -> bool:
        """Whether the net is one of images, so that their layout in memory matters."""
        return self.config not in ("bench/autoencoder.yaml", "bench/lstm.yaml")


NETS = {
    "lenet": BenchNet("bench/lenet.yaml"),
    "cifar10_quick": BenchNet("bench/cifar10_quick.yaml"),
    "autoencoder": BenchNet("bench/autoencoder.yaml"),
    "lstm": BenchNet("bench/lstm.yaml"),
    "caffenet": BenchNet("imagenet/caffenet.yaml", 16),
    "googlenet": BenchNet("imagenet/googlenet.yaml", 8),
    "resnet18": BenchNet("imagenet/resnet18.yaml", 8),
    "resnet50": BenchNet("imagenet/resnet50.yaml", 4),
    "mobilenet": BenchNet("imagenet/mobilenet.yaml", 8),
}


def make_solver(name: str, drop: bool = True, precision: str = "fp32") -> Solver:
    """The solver of a net, its inputs filled; it only trains, and always from the same weights.

    Args:
        name: one of NETS, or the path of a config.
        drop: False to let Dropout layers pass everything, for results that can be compared.
        precision: ``fp32`` or ``bf16``.
    """
    net = NETS.get(name) or BenchNet(name)
    path = CONFIGS / net.config if name in NETS else Path(name)
    spec = read_solver(path, [f"vars.batch={net.batch}"] if net.batch else [])
    for field in ("test_iter", "test_interval", "snapshot", "display", "iter_size"):
        spec.param.ClearField(field)
    spec.param.random_seed = 1
    spec.param.train_state.stage.append("deploy")  # the inputs are ours
    if precision == "bf16" and spec.net is not None:
        spec.net.param.precision = spec.net.param.BF16
    if not drop and spec.net is not None:
        for layer in spec.net.param.layer:
            if layer.type == "Dropout":
                layer.dropout_param.dropout_ratio = 0
    solver = Solver(spec, listener=Listener())
    fill_inputs(solver.net)
    return solver
