"""What will my next run reach, and how far is that beyond my runs?
================================================================

A forecast beyond the runs is only as good as the laws out there. The honest test is to hide the
largest runs, forecast them from the rest, and compare. Then forecast the run that matters. The runs
here are small language models, trained for this library.
"""

import matplotlib.pyplot as plt
import numpy as np

import scaling

runs = scaling.datasets.load("sweep", rows="isoflop")
small = runs[runs["compute"] < 2e12]
large = runs[runs["compute"] > 2e12]
table = scaling.ensemble(small).forecast(large[["params", "tokens"]]).table

# %%
# The hidden runs have three times the compute of the largest one that the laws saw.

observed = large["loss"].to_numpy()
inside = (table["next_run_low"] <= observed) & (observed <= table["next_run_high"])
error = (table["loss"] / observed - 1).abs().max()
print(
    f"Of {len(large)} hidden runs, {inside.sum()} fell inside their 90% interval for a single run. "
    f"The worst forecast was off by {error:.1%}."
)

# %%
# Now from all runs: the loss along the best sizes, with an interval that widens with the distance.

made = scaling.ensemble(runs)
ahead = scaling.compute_optimal(made, np.geomspace(1e12, 5e13, 30)).table
ax = scaling.plot.forecast(made.forecast(ahead[["params", "tokens"]]), runs=runs)
plt.show()

# %%
# And the run that matters.

answer = made.forecast(params=250e3, tokens=33e6)
row = answer.table.iloc[0]
print(
    f"250K params on 33M tokens: a loss of {row['loss']:.3f}, 90% interval of a single run "
    f"{row['next_run_low']:.3f} to {row['next_run_high']:.3f}. It lies {row['beyond']:.0f} times "
    f"beyond the largest run. The plain fit of every run says {row['plain_loss']:.3f}."
)
print(answer.issues[0])
