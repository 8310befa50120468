"""Registers Softsign, checks its gradient, and trains with it."""

import sys
from pathlib import Path

import softsign  # noqa: F401  (importing it registers the type)

from tools import cli

CONFIG = str(Path(__file__).with_suffix(".yaml"))

wrong = cli.main(["gradcheck", CONFIG, "--layer", "softsign"])
sys.exit(wrong or cli.main(["train", "--config", CONFIG]))
