"""Layers that combine, normalise and rearrange."""
