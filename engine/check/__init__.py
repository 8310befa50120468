"""Checking a config as a whole: every problem, and what experience advises against."""

from engine.check.config import check_config
from engine.check.report import CheckedNet, Report
from engine.check.rules import RULES, Rule

__all__ = ["RULES", "CheckedNet", "Report", "Rule", "check_config"]
