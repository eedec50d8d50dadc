"""Do three ways to the best size agree?
=====================================

The envelope reads the best size from training curves, IsoFLOP from the runs of each compute, and a
law from all runs. If they agree within their intervals, the answer does not hang on the method.
The runs are small language models, trained for this library.
"""

import matplotlib.pyplot as plt
import numpy as np

import scaling
from scaling.laws import Chinchilla

runs = scaling.datasets.load("sweep", rows="isoflop")
curves = scaling.datasets.load("sweep_curves", rows="isoflop")
fit = scaling.fit(Chinchilla, runs)
computes = np.geomspace(runs["compute"].min(), 5e13, 25)
ways = {
    "envelope of the curves": scaling.envelope(curves),
    "IsoFLOP": scaling.isoflop(runs),
    "Chinchilla law": scaling.compute_optimal(fit, computes),
}

# %%
# The power of compute that the best size grows with, and the best size at 5e13 FLOPs, ten times
# the largest budget:

for name, frontier in ways.items():
    grows = frontier.exponents.loc["params"]
    ahead = frontier.at(5e13).table.iloc[0]
    sure = f"[{grows['low']:.2f}, {grows['high']:.2f}]"
    print(f"{name:24} compute^{grows['value']:.2f} {sure:14} {ahead['params'] / 1e3:.0f}K at 5e13")

# %%
# They part. The envelope is misled, and says so: these runs let the learning rate fall to zero at
# their end, so points on the way there lie too high.

print(ways["envelope of the curves"].issues[0])

# %%
# Each valley is one compute, its lowest point the best size there. The bars are the intervals of
# the best sizes, from how much runs next to each other differ.

figure, ax = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
scaling.plot.isoflop(ways["IsoFLOP"], ax=ax)
plt.show()

# %%
# Tokens per param show how far the ways part. The law lets them grow with compute and the valleys
# let them fall; beyond the runs each is an extrapolation.

figure, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
scaling.plot.frontier(ways, column="tokens_per_param", ax=ax)
plt.show()
