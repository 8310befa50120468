"""A net compiled into flat lists of prepared calls, which a training step only runs."""

from engine.plan.plan import Plan, compile_plan

__all__ = ["Plan", "compile_plan"]
