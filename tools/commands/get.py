"""demitasse get: fetch a data set, MNIST, Fashion-MNIST or CIFAR-10, ready to train on."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from engine.data.readers.leveldb import import_plyvel
from engine.data.readers.lmdb import import_lmdb
from engine.data.writers import BACKENDS
from engine.errors import DemitasseError
from engine.snapshot.atomic import write_atomically
from tools.datasets import cifar10
from tools.datasets.catalogue import CATALOGUE, PublishedFile
from tools.datasets.download import download
from tools.datasets.local_files import find_local, gzipped, is_good
from tools.options.flags import add_flag

log = logging.getLogger("demitasse")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("name", metavar="NAME", choices=list(CATALOGUE), help=", ".join(CATALOGUE))
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="data/NAME unless told; it is made"
    )
    parser.add_argument(
        "--from", dest="local", type=Path, metavar="DIR",
        help="take the files from there instead of the network; their checksums are compared",
    )  # fmt: skip
    parser.add_argument(
        "--mirror", action="append", default=[], metavar="URL",
        help="an address to try first, the folder of the files; may be repeated",
    )  # fmt: skip
    add_flag(
        parser, "backend", choices=list(BACKENDS), default="lmdb",
        help="of cifar10's databases; lmdb unless told",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Fetches what is not there yet; a second run goes on where the first was stopped."""
    folder = arguments.output or Path("data") / arguments.name
    if arguments.local and not arguments.local.is_dir():
        raise DemitasseError("there is no such folder", str(arguments.local))
    if arguments.name == "cifar10":
        _get_cifar10(arguments, folder)
        return 0
    for file in CATALOGUE[arguments.name].files:
        _get_file(arguments, file, folder / file.name)
    return 0


def _get_file(arguments: argparse.Namespace, file: PublishedFile, target: Path) -> None:
    """Brings one file to its place."""
    if target.exists():
        if not is_good(file, target):
            raise DemitasseError(
                "it exists already, with another checksum", str(target), hint="remove it"
            )
        log.info("%s: there already, checksum good", target)
        return
    if arguments.local:
        data = gzipped(find_local(file, arguments.local))
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, data)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(arguments, file, target)
    log.info("%s: %s bytes, checksum good", target, f"{target.stat().st_size:,}")


def _download(arguments: argparse.Namespace, file: PublishedFile, target: Path) -> None:
    mirrors = [f"{url.rstrip('/')}/" for url in arguments.mirror]
    try:
        download(file, [*mirrors, *CATALOGUE[arguments.name].mirrors], target)
    except DemitasseError as problem:
        problem.hint = problem.hint or (
            f"without a network, `demitasse get {arguments.name} --from DIR` takes files that "
            "are there already; --mirror URL names another place"
        )
        raise


def _get_cifar10(arguments: argparse.Namespace, folder: Path) -> None:
    """Makes the databases, and fetches the archive for them if one is missing."""
    made = cifar10.outputs(folder, arguments.backend)
    if not all(path.exists() for path in made.values()):
        # Before 170 MB are fetched.
        (import_lmdb if arguments.backend == "lmdb" else import_plyvel)("writing databases")
        (file,) = CATALOGUE["cifar10"].files
        archive, fetched = folder / file.name, False
        if arguments.local:
            archive = find_local(file, arguments.local)
            folder.mkdir(parents=True, exist_ok=True)
        else:
            fetched = not archive.exists()
            _get_file(arguments, file, archive)
        cifar10.convert(archive, folder, arguments.backend)
        if fetched:
            archive.unlink()
    for path in made.values():
        log.info("%s", path)
