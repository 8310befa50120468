"""Layers that look at images through windows."""
