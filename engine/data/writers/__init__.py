"""Writers: one file for each kind of database, whole or absent when they end."""

from engine.data.writers.base import BACKENDS, Writer, new_database

__all__ = ["BACKENDS", "Writer", "new_database"]
