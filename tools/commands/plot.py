"""demitasse plot: draw training runs, filters, activations, confusions, decision regions."""

from __future__ import annotations

import argparse
import logging
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine import DemitasseError
from tools.options.net import add_net_options, build_net
from tools.plotting import figures
from tools.plotting.activations import (
    activations,
    activations_figure,
    drawn_part,
    run_image,
    run_record,
)
from tools.plotting.confusion import confusion_figure, confusion_text, count_confusions
from tools.plotting.decision import decision_figure
from tools.plotting.filters import filters_figure
from tools.plotting.run_page import runs_page
from tools.plotting.run_panels import runs_figure
from tools.plotting.runs import read_runs

log = logging.getLogger("demitasse")

_PAGE = ".html"  # of runs: the values are read off it by pointing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the pictures and their options."""
    kinds = parser.add_subparsers(dest="picture", metavar="PICTURE", required=True)
    _decision(kinds.add_parser("decision", help="the regions that a net of two inputs tells apart"))
    _filters(kinds.add_parser("filters", help="the weights of a layer as images"))
    _activations(kinds.add_parser("activations", help="what every layer makes of one sample"))
    _confusion(kinds.add_parser("confusion", help="what samples of each class are taken for"))
    _runs(kinds.add_parser("run", help="loss, test scores and learning rate of training runs"))


def run(arguments: argparse.Namespace) -> int:
    """Draws, and says where the picture is."""
    make: Callable[[argparse.Namespace], Any] = arguments.make
    path = Path(arguments.output)
    figures.picture_form(path, arguments.forms)  # before the work, not after it
    if path.suffix.lower() == _PAGE:
        figures.write_picture(path, arguments.make_page(arguments).encode())
    else:
        figures.save(make(arguments), path)
    log.info("%s", path)
    return 0


def _output(
    parser: argparse.ArgumentParser, name: str, forms: Sequence[str] = figures.FORMS
) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=name,
        help=f"an {', '.join(forms[:-1])} or {forms[-1]}; {name} unless told",
    )  # fmt: skip
    parser.set_defaults(forms=forms)


def _count(text: str) -> int:
    count = int(text) if text.isdecimal() else 0
    if count < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return count


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number")
    return number


def _decision(parser: argparse.ArgumentParser) -> None:
    add_net_options(parser, "TEST")
    _output(parser, "decision.png")
    parser.add_argument("--blob", help="the scores; what the loss reads unless told")
    parser.add_argument(
        "--range", type=_number, nargs=2, metavar=("LOW", "HIGH"),
        help="of both inputs; that of the data unless told, or -2 to 2",
    )  # fmt: skip
    parser.add_argument(
        "--threshold", type=_number, default=0.5, help="of a single score; 0.5 unless told"
    )

    def make(arguments: argparse.Namespace) -> Any:
        net = build_net(arguments)
        limits = tuple(arguments.range) if arguments.range else None
        if limits and limits[0] >= limits[1]:
            raise DemitasseError(
                "--range is of no extent",
                got="{:g} {:g}".format(*limits),
                expected="LOW below HIGH",
            )  # fmt: skip
        return decision_figure(net, arguments.blob, limits, arguments.threshold)

    parser.set_defaults(make=make)


def _filters(parser: argparse.ArgumentParser) -> None:
    add_net_options(parser, "TEST")
    _output(parser, "filters.png")
    parser.add_argument("--layer", help="the first layer with weights unless told")
    parser.add_argument("--most", type=_count, default=64, help="images at most; 64 unless told")
    parser.set_defaults(
        make=lambda arguments: filters_figure(build_net(arguments), arguments.layer, arguments.most)
    )


def _activations(parser: argparse.ArgumentParser) -> None:
    add_net_options(parser, "TEST")
    _output(parser, "activations.png")
    parser.add_argument("--record", type=int, default=0, help="a sample of the data, from 0")
    parser.add_argument("--image", metavar="FILE", help="an image for a net with an Input instead")
    parser.add_argument(
        "--mean", type=_number, nargs="+", default=[], metavar="VALUE",
        help="taken from the pixels (0 to 255) of --image: one, or those of blue, green and red",
    )  # fmt: skip
    parser.add_argument("--scale", type=_number, default=1.0, help="of these pixels; 1 unless told")
    parser.add_argument(
        "--blob",
        action="append",
        default=[],
        metavar="NAME",
        help="may be repeated; all unless told",
    )
    parser.add_argument("--most", type=_count, default=32, help="maps of a blob; 32 unless told")

    def make(arguments: argparse.Namespace) -> Any:
        net = build_net(arguments)
        if arguments.image:
            run_image(net, Path(arguments.image), arguments.mean, arguments.scale)
        else:
            run_record(net, arguments.record)
        found = activations(net, arguments.blob)
        drawn = drawn_part(found)
        if len(drawn) < len(found):
            log.info("the first %d of %d blobs; --blob chooses", len(drawn), len(found))
        return activations_figure(drawn, arguments.most)

    parser.set_defaults(make=make)


def _confusion(parser: argparse.ArgumentParser) -> None:
    add_net_options(parser, "TEST")
    _output(parser, "confusion.png")
    parser.add_argument(
        "--layer", help="what compares scores with labels; the first Accuracy or loss unless told"
    )
    parser.add_argument(
        "--batches", type=_count, metavar="N", help="how many; every sample once unless told"
    )

    def make(arguments: argparse.Namespace) -> Any:
        net = build_net(arguments)
        if net.learnable and arguments.weights is None:
            log.warning("no --weights: this net has learned nothing yet")
        confusion = count_confusions(net, arguments.layer, arguments.batches)
        sys.stdout.write(confusion_text(confusion) + "\n")
        return confusion_figure(confusion)

    parser.set_defaults(make=make)


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a folder with *_log.jsonl files, or such a file"
    )
    _output(parser, "run.png", (*figures.FORMS, _PAGE))
    parser.set_defaults(
        make=lambda arguments: runs_figure(read_runs(arguments.runs)),
        make_page=lambda arguments: runs_page(read_runs(arguments.runs)),
    )
