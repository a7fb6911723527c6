"""A cube as a tree of Zarr keys, version 2 and 3, whose chunks are read when they are asked for."""

from .arrays import Array
from .tree import Chunk, Key, Metadata, Tree, tree_of

__all__ = ["Array", "Chunk", "Key", "Metadata", "Tree", "tree_of"]
