"""What does a loss cost, and what does a smaller model add to it?
===============================================================

A target loss has a least price, paid at the best size. A model that is cheaper to serve reaches the
same loss with more tokens, up to a point. The runs are small language models, trained for this
library; a published law is asked in the same way, without intervals.
"""

import matplotlib.pyplot as plt
import numpy as np

import scaling

law = scaling.ensemble(scaling.datasets.load("sweep", rows="isoflop"))
losses = [1.9, 1.7, 1.5]
best = scaling.required(law, "compute", loss=losses)
print(best)

# %%
# The same losses with 60K params:

small = scaling.required(law, "tokens", loss=losses, held={"params": 60e3})
for cheap, served in zip(best.table.itertuples(), small.table.itertuples(), strict=True):
    extra = served.compute / cheap.compute - 1
    print(
        f"A loss of {cheap.loss} costs {cheap.compute:.1e} FLOPs with {cheap.params / 1e3:.0f}K "
        f"params. A 60K model needs {served.tokens / 1e6:.0f}M tokens and {extra:.0%} more compute."
    )

# %%
# The price of smallness rises without bound: a loss that N params cannot reach with any number of
# tokens is unreachable, and the answer says so instead of giving a number.

goals = np.linspace(1.5, 2.0, 61)
sizes = {"best size": scaling.required(law, "compute", loss=goals).table["compute"]}
for params in (4e4, 6e4, 3e5):
    held = scaling.required(law, "tokens", loss=goals, held={"params": params}).table["compute"]
    sizes[f"{params / 1e3:.0f}K"] = held.where(np.isfinite(held))
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for dashes, (name, compute) in zip(["-", ":", "--", "-."], sizes.items(), strict=True):
    ax.plot(goals, compute, dashes, color="black" if name == "best size" else None)
    small = name in ("40K", "60K")  # their lines part on the left, the others' on the right
    place = compute.first_valid_index() if small else len(goals) - 1
    ax.annotate(name, (goals[place], compute[place]), xytext=(6, 0), textcoords="offset points",
                va="center", fontsize=9)  # fmt: skip
ax.set(xlabel="loss (nats/token)", ylabel="compute (FLOPs)", yscale="log")
plt.show()

# %%
too_low = scaling.required(law, "tokens", loss=1.2, held={"params": 6e4})
print(too_low.table["tokens"][0], "tokens:", too_low.issues[0])
