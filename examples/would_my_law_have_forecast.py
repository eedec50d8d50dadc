"""Would my law have forecast the runs I already have?
===================================================

The runs here follow a law in which params and tokens are coupled, and the law fitted to them has no
such coupling. No resample of the runs can know that. Holding out the larger runs shows it, tells
which of two laws forecasts better, and gives intervals that hold.
"""

import matplotlib.pyplot as plt
import numpy as np

import scaling
from scaling.datasets.simulated import isoflop_runs
from scaling.laws import Chinchilla, CoupledChinchilla

truth = CoupledChinchilla(E=1.8, A=482**2.0, B=2085**2.0, alpha=0.696, beta=0.732, gamma=0.5)
budgets = np.geomspace(6e18, 3e21, 9)
runs = isoflop_runs(truth, budgets, sizes=7, spread=4.0, noise=0.003, seed=0)

# %%
# At each cut the law is fitted to the runs below and forecasts those above.

fit = scaling.fit(Chinchilla, runs)
held_out = scaling.backtest(fit, runs)
print(held_out)
scaling.plot.backtest(held_out)
plt.show()

# %%
# Every forecast is too high, and few runs fall inside their intervals. Does another law do better?

coupled = scaling.fit(CoupledChinchilla, runs)
print(scaling.compare({"plain": fit, "coupled": coupled}).sentence)

# %%
# Intervals that are as wide as these errors say hold the runs that are to come.

calibrated = scaling.calibrate(fit, held_out)
point = {"params": 30e9, "tokens": 5e11}
came = float(truth.predict(**point))
for name, one in (("resamples", fit), ("calibrated", calibrated)):
    row = one.forecast(**point).table.iloc[0]
    inside = row["next_run_low"] <= came <= row["next_run_high"]
    print(
        f"{name}: {row['next_run_low']:.3f} to {row['next_run_high']:.3f}; the true loss "
        f"{came:.3f} is {'inside' if inside else 'outside'}."
    )
