"""demitasse course: backpropagation in topics to run, look at and check."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from engine import DemitasseError
from tools.completion.names import complete_topic
from tools.console.json_text import add_json_option, json_text
from tools.topics import TOPICS
from tools.topics.desk import ROOT, Desk


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    topic = parser.add_argument(
        "topic", nargs="?", type=int, metavar="N", help="the topic to run; all are listed without"
    )
    add_json_option(parser, "the list of topics")
    topic.completer = complete_topic  # type: ignore[attr-defined]
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", default="course",
        help="where to put the pictures; the folder `course` unless told",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Lists the topics, or runs one and says where its pictures are."""
    if arguments.json:
        if arguments.topic is not None:
            raise DemitasseError("--json prints the list of topics", got=f"topic {arguments.topic}")
        listed = [
            {"topic": number, "title": title, "page": _page(number, name)}
            for number, (name, title) in sorted(TOPICS.items())
        ]
        sys.stdout.write(json_text(listed))
        return 0
    if arguments.topic is None:
        for number, (name, title) in sorted(TOPICS.items()):
            sys.stdout.write(f"{number:3}  {title}\n     {_page(number, name)}\n")
        sys.stdout.write("\n`demitasse course N` runs topic N.\n")
        return 0
    if arguments.topic not in TOPICS:
        raise DemitasseError(
            f"there is no topic {arguments.topic}", expected=", ".join(map(str, sorted(TOPICS)))
        )
    name, title = TOPICS[arguments.topic]
    folder = Path(arguments.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DemitasseError(f"cannot be made: {problem.strerror}", str(folder)) from None
    desk = Desk(arguments.topic, folder)
    desk.say(f"{title}\n\n")
    import_module(f"tools.topics.{name}").run(desk)
    desk.say()
    for picture in desk.pictures:
        desk.say(f"Picture  {picture}")
    desk.say(f"Page     {_page(arguments.topic, name)}")
    if desk.missing:
        raise desk.missing
    return 0


def _page(number: int, name: str) -> str:
    """The page of a topic, seen from here where that is shorter."""
    path = ROOT / "docs" / "course" / f"{number:02}_{name}.md"
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
