"""The documentation of layer types, from their docstrings and the schema."""
