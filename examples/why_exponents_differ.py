"""Why do published exponents of the best size differ?
====================================================

Kaplan et al. 2020 have .73, Hoffmann et al. 2022 .50. The same measured runs give several answers
too, when only the counting of size changes. Porian et al. 2024 took the steps between the two
papers one by one.
"""

import matplotlib.pyplot as plt

import scaling
from scaling.counting import flops_per_token
from scaling.laws import Chinchilla

runs = scaling.datasets.load("sweep", rows="isoflop")
runs["flops_per_token"] = flops_per_token(runs["layers"], runs["width"], runs["context_length"])


def growth(law):
    """Power of compute that the best size grows with."""
    return law.beta / (law.alpha + law.beta)


found = {}
for size in ("params", "params_non_embedding", "flops_per_token"):
    row = scaling.fit(Chinchilla, runs, columns={"params": size}).propagate(growth).table.iloc[0]
    found[f"the sweep, {size.replace('_', ' ')}"] = tuple(row)
    print(f"{size}: {row['value']:.2f} [{row['value_low']:.2f}, {row['value_high']:.2f}]")

# %%
# Steps of Porian et al. 2024 on RefinedWeb, table 1, with their intervals of 95%: first how compute
# is counted, then how the runs were trained.

found |= {
    "Porian: as Kaplan et al.": (0.835, 0.824, 0.846),
    "and the head counted": (0.706, 0.691, 0.717),
    "and a shorter warm-up": (0.602, 0.591, 0.617),
    "and a cosine for each budget": (0.571, 0.560, 0.589),
    "and tuned at each size": (0.497, 0.491, 0.505),
}

# %%
# All of them answer "how fast should size grow?", and counting alone moves it by up to .13.

_, ax = plt.subplots(figsize=(5.2, 2.8), layout="constrained")
for place, (value, low, high) in enumerate(found.values()):
    ax.errorbar(value, -place, xerr=[[value - low], [high - value]], fmt="o", color="#0072B2")
ax.set_yticks([-place for place in range(len(found))], list(found))
ax.axvline(0.5, color="#8a8a8a", linewidth=0.8, linestyle="--")
ax.set_xlabel("best size ~ compute to this power")
plt.show()
