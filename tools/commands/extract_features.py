"""demitasse extract_features: run a net over its data and keep what some of its blobs hold."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine import Net
from engine.errors import DemitasseError, did_you_mean
from engine.net import weights
from engine.spec import read_net
from layers.blob import Array
from tools.console.bar import bar
from tools.datasets.features import KINDS, feature_writers, kind_of
from tools.options.flags import add_flag
from tools.options.net import PHASES
from tools.options.overrides import add_set_option

log = logging.getLogger("demitasse")

_MOST_AXES = 4  # of a blob that Datums can hold: the samples, and three


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments, in the order of Caffe's tool."""
    parser.add_argument("model", metavar="MODEL", help="the parameters: a .caffemodel")
    parser.add_argument("config", metavar="CONFIG", help="the net, with its source of data")
    parser.add_argument("blobs", metavar="BLOB[,BLOB]", help="what to keep")
    parser.add_argument(
        "outputs", metavar="DB[,DB]",
        help="a database to make for each blob; files, NAME.h5 and NAME.npz, may hold them all",
    )  # fmt: skip
    parser.add_argument("batches", metavar="NUM_BATCHES", type=int, help="how many batches to run")
    parser.add_argument(
        "more", metavar="DB_TYPE", nargs="*", help="as --backend; then CPU or GPU, as with Caffe"
    )
    add_flag(
        parser, "backend", choices=list(KINDS),
        help="what to make; unless told what the name of DB says, and lmdb where it says nothing",
    )  # fmt: skip
    parser.add_argument(
        "--phase", type=str.upper, choices=list(PHASES), default="TEST", help="TEST unless told"
    )
    parser.add_argument(
        "--stage", action="append", default=[], metavar="NAME", help="a stage; may be repeated"
    )
    add_set_option(parser, "net.layer.data.data_param.source=test_lmdb")
    parser.add_argument(
        "--allow-code", action="store_true", help="let the config name Python code to run"
    )


def run(arguments: argparse.Namespace) -> int:
    """Extracts; what is written appears when it is complete."""
    if arguments.batches < 1:
        raise DemitasseError("NUM_BATCHES must be above 0", got=str(arguments.batches))
    blobs = arguments.blobs.split(",")
    kind, outputs = _outputs(arguments, blobs)
    net = _net(arguments)
    arrays = _arrays(net, blobs, kind)
    with feature_writers(kind, outputs, blobs) as writers, bar(arguments.batches, "it") as progress:
        for _ in range(arguments.batches):
            net.forward()
            for name, writer in zip(blobs, writers, strict=True):
                writer.add(net.blobs[name].data)
            progress.update()
    for name, output, array in zip(blobs, outputs, arrays, strict=True):
        shape = "x".join(map(str, array.shape[1:])) or "one number"
        count = arguments.batches * len(array)
        log.info("%s: %s of %s samples, %s each", output, name, f"{count:,}", shape)
    return 0


def _outputs(arguments: argparse.Namespace, blobs: Sequence[str]) -> tuple[str, list[Path]]:
    """What to make, and where for each blob.

    Raises:
        DemitasseError: there are not as many names as blobs, or one comes twice.
    """
    names = [Path(name) for name in arguments.outputs.split(",")]
    kind = arguments.backend or _from_more(arguments.more) or kind_of(names[0])
    if len(names) == 1 and kind in ("hdf5", "npz"):
        names *= len(blobs)
    elif len(set(names)) != len(blobs):
        raise DemitasseError(
            "as many outputs as blobs are needed, of different names",
            got=f"{arguments.outputs} for {arguments.blobs}",
        )
    if len(set(blobs)) != len(blobs):
        raise DemitasseError("a blob is named twice", got=arguments.blobs)
    return kind, names


def _from_more(words: Sequence[str]) -> str:
    """The kind among the last words of Caffe's command: DB_TYPE, CPU or GPU, a device's number."""
    kind = ""
    for word in words:
        if word.lower() in KINDS:
            kind = word.lower()
        elif word.upper() == "GPU":
            log.warning("the GPU is asked for; this build computes on the CPU, and goes on")
        elif word.upper() != "CPU" and not word.removeprefix("DEVICE_ID=").isdigit():
            raise DemitasseError(
                "unknown DB_TYPE", "", f'"{word}"', ", ".join(KINDS), did_you_mean(word, KINDS)
            )
    return kind


def _net(arguments: argparse.Namespace) -> Net:
    net = Net(
        read_net(arguments.config, arguments.overrides),
        phase=PHASES[arguments.phase],
        stages=arguments.stage,
        allow_code=arguments.allow_code,
        seed=1,
    )
    report = weights.copy_from(net, arguments.model)
    report.raise_on_mismatch()
    if report.missing:
        log.warning(
            "%s has no parameters for %s: they are as their fillers made them",
            arguments.model, ", ".join(report.missing),
        )  # fmt: skip
    return net


def _arrays(net: Net, blobs: Sequence[str], kind: str) -> list[Array]:
    """The blobs, as their shapes are before the first pass.

    Raises:
        DemitasseError: there is no such blob, or it cannot be kept.
    """
    for name in blobs:
        if name not in net.blobs:
            raise DemitasseError(
                f'the net has no blob "{name}"',
                expected=", ".join(net.blobs),
                hint=did_you_mean(name, net.blobs),
            )
        shape = net.blobs[name].shape
        if not shape:
            raise DemitasseError(f'blob "{name}" is one number, not one for each sample')
        if len(shape) > _MOST_AXES and kind not in ("hdf5", "npz"):
            raise DemitasseError(
                f'blob "{name}" has too many axes for a database of Datums',
                got=f"shape {shape}",
                expected=f"at most {_MOST_AXES} axes",
                hint="--backend hdf5, or npz",
            )
    return [np.asarray(net.blobs[name].data) for name in blobs]
