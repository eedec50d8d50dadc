"""Tables of runs: read, checked at the door, and looked at with suspicion."""

from scaling.runs.reading import read_runs

__all__ = ["read_runs"]
