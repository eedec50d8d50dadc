"""CPU seconds that ``import scaling`` adds to NumPy, SciPy's optimisers and pandas.

Run ``python benchmarks/importing.py``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

REPEATS = 9
TARGET = 0.1
BELOW = "import numpy, scipy.optimize, pandas"
# What costs too much to load before it is asked for.
LATE = ("matplotlib", "lmfit")

TIMED = "import time\n{}\nprint(time.process_time())"
LOADED = "import sys, scaling\nprint(*[name for name in {} if name in sys.modules])"


def fresh(code: str) -> str:
    """What the code prints in a Python of its own, on one core, with this repository's library."""
    root = str(Path(__file__).parents[1])
    given = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    around = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(given)}
    done = subprocess.run([sys.executable, "-c", code], env=around, check=True, text=True,
                          stdout=subprocess.PIPE)  # fmt: skip
    return done.stdout.strip()


def main() -> None:
    """Print the time, and end with a failure where too much is loaded."""
    early = fresh(LOADED.format(LATE))
    if early:
        sys.exit(f"import scaling loads {early}, which must wait until it is used.")
    below, whole = [], []
    for _ in range(REPEATS):  # in turn, so that both meet the same load
        below.append(float(fresh(TIMED.format(BELOW))))
        whole.append(float(fresh(TIMED.format(f"{BELOW}\nimport scaling"))))
    base, added = statistics.median(below), statistics.median(whole) - statistics.median(below)
    verdict = "ok" if added < TARGET else "MISSED"
    print(f"{BELOW}: {base:.3f} CPU s; median of {REPEATS}")
    print(f"import scaling beyond them: {added:.3f} CPU s, target < {TARGET:g} {verdict}")
    print(f"not loaded by it: {', '.join(LATE)}")


if __name__ == "__main__":
    main()
