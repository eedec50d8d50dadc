"""Which of two recipes is better at scale?
========================================

A new recipe beats the old one on small runs. Will it at the scale that matters? Fit both together,
find where they cross, and ask what the new one is worth in compute. The runs are drawn here from
two laws, so that the truth is known: the new recipe is better small, worse large.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import scaling
from scaling.laws import Chinchilla

old_truth = scaling.published("besiroglu-2024").law
new_truth = Chinchilla(E=1.88, A=430.0, B=1500.0, alpha=0.3478, beta=0.3658)
design = scaling.datasets.load("demo")[["params", "tokens"]]
rng = np.random.default_rng(0)


def drawn(law, name):
    """Runs of the design as a recipe would have them, with 0.3% of noise."""
    loss = law.predict(design) * np.exp(rng.normal(0, 0.003, len(design)))
    return design.assign(loss=loss, recipe=name)


runs = pd.concat([drawn(old_truth, "old"), drawn(new_truth, "new")], ignore_index=True)

# %%
# Fitted as one table the two would be a single bad law, and the fit says so:

together = scaling.fit(Chinchilla, runs, bootstrap=0)
print(next(issue for issue in together.issues if issue.code == "mixed-recipes"))

# %%
# One law a recipe. Do the runs show different exponents?

apart = scaling.fit(Chinchilla, runs, by="recipe")
print(f"Equal exponents: p = {apart.equal('alpha', 'beta').p_value:.2f}")

# %%
# They do not, so both recipes may say what the exponents are.

joint = scaling.fit(Chinchilla, runs, by="recipe", shared=("alpha", "beta"))
print(joint)

# %%
# Where they cross, and who wins where:

found = scaling.crossover(joint["new"], joint["old"])
print(found)

# %%
# The difference of the losses has a narrower band than the losses, since their errors go together.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
scaling.plot.crossover(found, ax=axes[0])

# %%
# What the new recipe is worth: the compute it needs to reach what the old one does.

worth = scaling.compute_multiplier(joint["old"], joint["new"], np.geomspace(1e19, 1e24, 11))
scaling.plot.multiplier(worth, ax=axes[1])
plt.show()
print(worth)
