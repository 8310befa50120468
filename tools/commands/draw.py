"""demitasse draw: draw a net, or the values and gradients that flow through it."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np

from engine import DemitasseError, Net
from engine.net.example_values import fill_inputs
from engine.net.gradient_ends import end_at_steps
from tools.drawing import dot
from tools.drawing.graph import Graph, net_graph
from tools.drawing.layout import lay_out
from tools.drawing.out_of_place import out_of_place
from tools.drawing.sheet import draw
from tools.drawing.svg import to_svg
from tools.drawing.values import tell_of_ends
from tools.options.net import add_net_options, build_net
from tools.plotting.figures import write_picture

log = logging.getLogger("demitasse")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_net_options(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="NAME.svg or NAME.png; CONFIG's name.svg unless told"
    )
    parser.add_argument(
        "--values", action="store_true",
        help="run the net once; write values above and gradients below the arrows, and at each "
        "gate of numbers its local gradient times the upstream one",
    )  # fmt: skip
    parser.add_argument(
        "--rankdir", type=str.upper, choices=["TB", "LR"],
        help="from top to bottom, or from left to right as --values is unless told",
    )  # fmt: skip
    parser.add_argument(
        "--layout", choices=["dot", "own"],
        help="graphviz's `dot` where it is installed unless told; --values always our own",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Draws, and says where the picture is."""
    output = Path(arguments.output or Path(arguments.config).with_suffix(".svg").name)
    form = output.suffix.lower()[1:]
    if form not in ("svg", "png"):
        raise DemitasseError("a net is drawn as SVG or PNG", str(output), form, "svg or png")
    if arguments.values:
        net = build_net(arguments, np.float64, force_backward=True, change=out_of_place)
    else:
        net = build_net(arguments)
    if not net.nodes:
        raise DemitasseError("there is nothing to draw: no layer of this phase", arguments.config)
    if arguments.values:
        flow(net, arguments.seed)
    sideways = arguments.rankdir == "LR" if arguments.rankdir else arguments.values
    own = arguments.values or arguments.layout == "own"
    if not own and arguments.layout is None:
        own = not dot.available()
    graph = net_graph(net, arguments.values)
    write_picture(output, picture(graph, form, sideways, own))
    log.info("%s", output)
    return 0


def picture(graph: Graph, form: str, sideways: bool, own: bool) -> bytes:
    """The file: by our own layout, or by graphviz's."""
    if not own:
        return dot.to_file(graph, form, sideways)
    drawing = draw(graph, lay_out(graph, sideways))
    if form == "svg":
        return to_svg(drawing).encode()
    from tools.drawing.raster import to_png

    return to_png(drawing)


def flow(net: Net, seed: int = 1) -> None:
    """Runs a net forward and backward, so that every arrow has a value and a gradient.

    Raises:
        DemitasseError: a layer works in place, so that a value is gone when it is to be drawn.
    """
    for node in net.nodes:
        if any(top is bottom for top in node.top for bottom in node.bottom):
            raise DemitasseError(
                f'layer "{node.layer.name}" works in place: the value below it is overwritten',
                hint="give its top a name of its own",
            )
    fill_inputs(net, np.random.default_rng(seed))
    net.clear_param_diffs()
    net.forward()
    if not any(any(node.loss_weights) for node in net.nodes):
        for name in net.outputs:
            net.blobs[name].diff[...] = 1
    tell_of_ends(end_at_steps(net.nodes))
    net.backward()
