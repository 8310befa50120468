"""Trains one net in several processes by turns, and measures them."""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
from dataclasses import dataclass, field

from engine.kernels.onednn.library import find_library
from layers.errors import DemitasseError
from tools.bench.loop import sgemm_flops
from tools.bench.nets import NETS
from tools.bench.quiet import LIMIT, Watch, wait_for_quiet
from tools.bench.worker import Worker, ask_once

PEER = "PyTorch"
_VARIANTS = ("nchw-foreach", "nchw-fused", "channels_last-fused")
_SECONDS = 0.6  # that a round of one process takes, about
# How far the first losses may differ, relative to the loss. BatchNorm of a few random images
# multiplies the rounding of bfloat16 from layer to layer, so there the bound is a wide one; that
# it is the same net, float32 tells.
_AGREE = {"fp32": 1e-4, "bf16": 2e-2}
PRECISIONS = tuple(_AGREE)


@dataclass
class Timing:
    """What was measured of one process."""

    name: str
    ms: list[float] = field(default_factory=list)
    disturbed_ms: list[float] = field(default_factory=list)
    first_step_seconds: float = math.inf
    peak_bytes: int = 0

    @property
    def steps(self) -> list[float]:
        """Steps of quiet rounds, or, where there was none, of disturbed ones."""
        return self.ms or self.disturbed_ms

    @property
    def least(self) -> float:
        """The fastest step."""
        return min(self.steps)

    @property
    def median(self) -> float:
        """The middle of the steps."""
        return statistics.median(self.steps)


@dataclass
class Result:
    """One net at one number of threads, in one precision."""

    net: str
    threads: int
    precision: str
    flops: int
    sgemm_flops_per_second: float = 0.0
    timings: list[Timing] = field(default_factory=list)

    @property
    def ours(self) -> Timing:
        """The timing of this project's fastest engine."""
        ours = [timing for timing in self.timings if not timing.name.startswith(PEER)]
        return min(ours, key=lambda timing: timing.least)

    @property
    def best_peer(self) -> Timing | None:
        """The fastest variant of the peer."""
        peers = [timing for timing in self.timings if timing.name.startswith(PEER)]
        return min(peers, key=lambda timing: timing.least, default=None)


def compare(
    net: str, threads: int, precision: str, rounds: int, peer_python: str, patience: float
) -> Result:
    """Measures a net, ours and, where its Python is given, the peer's.

    Raises:
        DemitasseError: the first losses differ, so it is not the same net, or a process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        facts = ask_once([sys.executable, "-m", "tools.bench.describe", net, folder])
        ours = [sys.executable, "-m", "tools.bench.ours", net, str(threads)]
        commands = {
            f"demitasse {engine}": [*ours, engine, precision] for engine in _engines(precision)
        }
        images = net not in NETS or NETS[net].images
        for variant in _VARIANTS if peer_python else ():
            if images or "channels_last" not in variant:
                peer = [peer_python, "-m", "tools.bench.peer_torch", folder, variant]
                for kind in dict.fromkeys(("fp32", precision)):
                    theirs = ask_once([*peer, kind, "check"])["loss"]
                    _check(net, f"{variant}, {kind}", facts["loss"], theirs, _AGREE[kind])
                commands[f"{PEER} {variant}"] = [*peer, precision, str(threads)]
        result = Result(net, threads, precision, facts["flops"])
        workers = []
        for name, command in commands.items():
            wait_for_quiet(patience)
            # Once for the file cache, once to be measured.
            first = Worker(name, command, threads)
            first.stop()
            worker = Worker(name, command, threads)
            seconds = min(first.first_step_seconds, worker.first_step_seconds)
            result.timings.append(Timing(name, first_step_seconds=seconds))
            workers.append(worker)
        _measure(result, workers, rounds, patience)
        for timing, worker in zip(result.timings, workers, strict=True):
            timing.peak_bytes = worker.stop()
    return result


def _engines(precision: str) -> list[str]:
    """The engines that are installed and compute so, the fastest first."""
    if precision == "bf16":
        return ["ONEDNN"]
    return ["ONEDNN", "NUMPY"] if find_library() is not None else ["NUMPY"]


def _check(net: str, variant: str, ours: float, theirs: float, agree: float) -> None:
    """Raises a DemitasseError unless both nets begin with the same loss."""
    if not abs(ours - theirs) <= agree * max(1.0, abs(ours)):
        raise DemitasseError(
            f"{net}: the peer's first loss is another ({variant})",
            got=str(theirs),
            expected=str(ours),
        )


def _measure(result: Result, workers: list[Worker], rounds: int, patience: float) -> None:
    """Rounds in which every process trains a little while the others wait."""
    times = [max(1, round(_SECONDS * 1e3 / min(w.ask("train", 2)["ms"]))) for w in workers]
    for _ in range(rounds):
        product_ms = min(workers[0].ask("sgemm", 4)["ms"])
        speed = sgemm_flops() / product_ms * 1e3
        result.sgemm_flops_per_second = max(result.sgemm_flops_per_second, speed)
        for timing, worker, count in zip(result.timings, workers, times, strict=True):
            for _ in range(3):
                watch = Watch()
                answer = worker.ask("train", count)
                if watch.others(answer["cpu_seconds"]) < LIMIT:
                    timing.ms += answer["ms"]
                    break
                timing.disturbed_ms += answer["ms"]
                wait_for_quiet(patience)
