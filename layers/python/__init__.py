"""Layers whose code a config names, written to pycaffe's interface."""
