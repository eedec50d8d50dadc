"""Which of my runs were tuned, and what did the others lose?
==========================================================

Four sizes were trained with one learning rate, the best of the smallest. Then the learning rate was
swept at each size. A law of the first runs takes the loss of a wrong learning rate for an effect of
size; the best of the sweep does not.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import scaling

truth = scaling.published("besiroglu-2024").law
stream = np.random.default_rng(1)
rates = np.geomspace(1.25e-4, 1.6e-2, 15)
table = []
for params in np.geomspace(5e7, 2e9, 4):
    for ratio in (5, 20, 80):
        best = 2e-3 * (params / 5e7) ** -0.4
        loss = truth.predict(params=params, tokens=ratio * params)
        loss = loss * np.exp(0.012 * np.log(rates / best) ** 2 + stream.normal(0, 1e-3, 15))
        table.append(pd.DataFrame({"params": params, "tokens": ratio * params,
                                   "learning_rate": rates, "loss": loss}))  # fmt: skip
runs = scaling.read_runs(pd.concat(table, ignore_index=True))

# %%
# The optimum of each cell, with its interval, and how far one may miss it:

best = scaling.best_of_sweep(runs, over="learning_rate")
print(best)

# %%
# What the one learning rate of the small models lost at each size:

fixed = runs.loc[np.isclose(runs["learning_rate"], rates[8])]
lost = best.excess.loc[fixed.index].groupby("params")["excess"].mean()
for params, excess in lost.items():
    print(f"{params / 1e6:5.0f}M params lost {excess:.2%}")

# %%
# Carried to a model ten times as large as any, the two tables part:

point = {"params": 2e10, "tokens": 4e11}
right = truth.predict(**point).item()
for name, rows in {"one learning rate": fixed, "best of the sweep": best.table}.items():
    fit = scaling.fit(scaling.laws.Chinchilla, rows)
    row = fit.forecast(**point).table.iloc[0]
    print(f"{name}: {row['loss']:.3f} [{row['loss_low']:.3f}, {row['loss_high']:.3f}], "
          f"true {right:.3f}")  # fmt: skip

# %%
# One cell. Dark runs made the curve.

scaling.plot.sweep(best, cell=7)
plt.show()
