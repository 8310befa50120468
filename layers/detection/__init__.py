"""Layers that propose, pool and decode boxes."""
