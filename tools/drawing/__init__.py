"""Nets as pictures: the graph, its layout, and how it is written."""
