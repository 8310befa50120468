"""Readers: one file for each kind of storage, each from record number to arrays."""

from engine.data.readers.base import Reader, Record

__all__ = ["Reader", "Record"]
