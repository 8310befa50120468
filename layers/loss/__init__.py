"""Losses, and scores computed from predictions and labels."""
