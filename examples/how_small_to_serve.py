"""How small should a model be that I will serve?
===============================================

A smaller model trained for longer reaches the same loss. It costs more to train and less with every
token it serves; what matters is how many it will serve. The runs are small models; the question is
that of the largest budget among them.
"""

import matplotlib.pyplot as plt

import scaling

fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("sweep", rows="isoflop"))
answer = scaling.shrink(fit, 5e12)
scaling.plot.shrink(answer)
plt.show()

# %%
# Each point is a model with the loss of the best one. Beyond its break-even demand it is the
# cheaper of the two over its life.

for row in answer.table.itertuples():
    print(
        f"{row.overhead:.0%} more compute: {row.params / 1e3:.0f}K instead of "
        f"{answer.best[0] / 1e3:.0f}K, cheaper in all from {row.break_even_tokens / 1e6:.0f}M "
        f"tokens served [{row.break_even_tokens_low / 1e6:.0f}M, "
        f"{row.break_even_tokens_high / 1e6:.0f}M]"
    )

# %%
# With the demand known, ask for the cheapest model that reaches the loss, serving included.

loss = float(scaling.compute_optimal(fit, 5e12).table["loss"].iloc[0])
for demand in (1e7, 1e8, 1e9):
    cost = scaling.SIX_ND.serving(demand)
    row = scaling.required(fit, "compute", loss=loss, cost=cost).table.iloc[0]
    print(
        f"{demand / 1e6:.0f}M tokens: {row.params / 1e3:.0f}K [{row.params_low / 1e3:.0f}, "
        f"{row.params_high / 1e3:.0f}], trained on {row.tokens / 1e6:.0f}M"
    )
