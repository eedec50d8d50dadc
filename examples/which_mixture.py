"""Which mixture of web text and code should I train on?
======================================================

Eleven small models, each on another mixture, are measured on prose and on programs. A law of the
shares for each tells the mixture that is best for a weighted mean of the two losses, and what it
costs to be elsewhere.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import scaling
from scaling.laws import data_mixing

family = data_mixing(domains=("web", "code"))
truth = {
    "prose": family(c=2.6, k_web=0.15, k_code=1.3),
    "programs": family(c=0.9, k_web=1.1, k_code=0.12),
}
stream = np.random.default_rng(0)
web = np.linspace(0.15, 0.85, 11)
runs = pd.DataFrame({"share_web": web, "share_code": 1 - web})
for name, law in truth.items():
    runs[f"loss_{name}"] = law.predict(runs) * np.exp(stream.normal(0, 0.003, len(runs)))

# %%
# A law for each validation set. Fits of the same runs share their resamples, so their errors go
# together:

fits = {name: scaling.fit(family, runs, columns={"loss": f"loss_{name}"}) for name in truth}
print(fits["programs"])

# %%
# Prose counts twice as much as programs:

weights = {"prose": 2, "programs": 1}
found = scaling.best_mixture(fits, weights)
print(found)
print("truth:", {name: f"{share:.3f}" for name, share in
                 scaling.best_mixture(truth, weights).shares.items()})  # fmt: skip

# %%
# The supply of code allows 20% at most. What does that cost?

limited = scaling.best_mixture(fits, weights, bounds={"code": (0.15, 0.2)})
cost = limited.losses["loss"].iloc[-1] - found.losses["loss"].iloc[-1]
print(f"With 20% of code the weighted loss is {cost:.4f} higher.")

# %%
# The curve is dashed where the mixture was not allowed, and the runs are marked below:

scaling.plot.mixture(found, runs=runs)
plt.show()
