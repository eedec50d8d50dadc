"""Which pools of data should I keep?
=====================================

The best filter depends on how long you train: good data that is repeated teaches less each time.
Fit the utility and the half-life of each pool together, and ask which pools to keep at each number
of samples seen. The runs are drawn here from known laws, so that the answer can be checked.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import scaling
from scaling.laws import DataUtility

truth = {"best": (0.20, 3.0), "good": (0.17, 4.0), "rest": (0.12, 7.0)}
laws = {name: DataUtility(n0=5e5, b=b, tau=tau, d=0.1) for name, (b, tau) in truth.items()}
rng = np.random.default_rng(0)
seen = np.geomspace(2e6, 5e8, 12)


def drawn(name):
    """Runs on one pool of 12.8M samples, with 0.4% of noise."""
    error = laws[name].predict(samples_seen=seen, pool_size=1.28e7)
    noise = np.exp(rng.normal(0, 0.004, len(seen)))
    return pd.DataFrame({
        "pool": name, "samples_seen": seen, "pool_size": 1.28e7, "error": error * noise,
    })  # fmt: skip


runs = pd.concat([drawn(name) for name in laws], ignore_index=True)

# %%
# One law a pool, fitted together: the pools share where learning starts and where it ends.

fits = scaling.fit(DataUtility, runs, by="pool", shared=("n0", "d"))
print(fits)

# %%
# Which pools, at each number of samples seen? And what is the truth?

choice = scaling.which_pools(fits, np.geomspace(1e7, 1e9, 5))
print(choice)
true = scaling.which_pools(laws, [1e7, 1e9], sizes=1.28e7)
print("In truth:", *(note for note in true.notes if note.startswith("Keep")))

# %%
# Each set's error, thick where it is the lowest.

scaling.plot.pools(choice)
plt.show()
