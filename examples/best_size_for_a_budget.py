"""How large should the next model be?
===================================

You have a table of runs and a compute budget. The best size is where a larger model would be
starved of tokens and a smaller one of params. The mean of three laws says where that is, and how
well the runs know it. The runs here are small language models, trained for this library. Set
``table`` to the path of your own to use it.
"""

import matplotlib.pyplot as plt
import numpy as np

import scaling

table = None  # path of your own, such as "runs.csv"
runs = scaling.read_runs(table) if table else scaling.datasets.load("sweep", rows="isoflop")
made = scaling.ensemble(runs)
frontier = scaling.compute_optimal(made, [1e12, 5e12, 5e13])
print(frontier)

# %%
# One row is one budget. In words:

for row in frontier.table.itertuples():
    print(
        f"With {row.compute:.0e} FLOPs, train {row.params / 1e3:.0f}K params on "
        f"{row.tokens / 1e6:.0f}M tokens and expect a loss of {row.loss:.3f}. The runs allow any "
        f"best size from {row.params_low / 1e3:.0f}K to {row.params_high / 1e3:.0f}K."
    )

# %%
# The interval widens with the distance from the runs, drawn as points. Between the ends of the
# interval the loss hardly changes: :ref:`sphx_glr_gallery_price_of_each_size.py` shows how little.

budgets = np.geomspace(runs["compute"].min(), 5e13, 25)
scaling.plot.frontier(scaling.compute_optimal(made, budgets), runs=runs)
plt.show()
