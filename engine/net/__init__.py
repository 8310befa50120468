"""Net: from a specification to layers that run forward and backward."""

from engine.net.net import Net

__all__ = ["Net"]
