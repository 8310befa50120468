"""Benchmarks: ``python -m tools.bench train`` compares training steps with PyTorch's."""
