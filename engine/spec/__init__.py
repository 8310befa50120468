"""Reading, checking, changing and writing configs."""

from engine.spec.binary import read_message
from engine.spec.bind import bind
from engine.spec.files import find_file
from engine.spec.load import NetSpec, SolverSpec, parse_net, parse_solver, read_net, read_solver
from engine.spec.node import Location
from engine.spec.origins import Origins
from engine.spec.overrides import apply_overrides
from engine.spec.prototxt import parse_prototxt
from engine.spec.write import to_prototxt, to_yaml
from engine.spec.yaml_form import parse_yaml

__all__ = [
    "Location",
    "NetSpec",
    "Origins",
    "SolverSpec",
    "apply_overrides",
    "bind",
    "find_file",
    "parse_net",
    "parse_prototxt",
    "parse_solver",
    "parse_yaml",
    "read_message",
    "read_net",
    "read_solver",
    "to_prototxt",
    "to_yaml",
]
