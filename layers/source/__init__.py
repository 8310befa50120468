"""Layers that have no bottoms: they bring data in."""
