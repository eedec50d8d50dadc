"""Tables of runs that come with the library."""

from scaling.datasets.registry import load, names

__all__ = ["load", "names"]
