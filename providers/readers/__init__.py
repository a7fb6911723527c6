"""Readers: one module per container, and what they have in common."""

from .base import ChunkSource, Location, OpenFile, RawGroup, RawVariable, Reader

__all__ = ["ChunkSource", "Location", "OpenFile", "RawGroup", "RawVariable", "Reader"]
