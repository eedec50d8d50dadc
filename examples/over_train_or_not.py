"""How much do I lose by training a smaller model for longer?
=============================================================

A small model is cheap to serve, so it is trained for longer than is best for its compute. The loss
this costs is read off a law, and the law is only as good as the runs it has at many tokens per
param. The runs are measured ones, small models trained on one core each.
"""

import matplotlib.pyplot as plt

import scaling
from scaling.laws import Chinchilla

COMPUTE = 5e12

runs = scaling.datasets.load("sweep", rows="isoflop")
ratio = runs["tokens"] / runs["params"]
fit = scaling.fit(Chinchilla, runs)
answer = scaling.regret(fit, COMPUTE, ["20K", "40K", "80K", "160K"])
for row in answer.table.itertuples():
    print(
        f"{row.params / 1e3:.0f}K params, {row.tokens / row.params:,.0f} tokens per param: "
        f"{row.excess_mean:.1%} more loss than the best size"
    )

# %%
# Had no run had more than 100 tokens per param, the law would have promised far too much, and its
# own intervals would not have said so. The issue ``ratio-beyond`` does.

usual = scaling.fit(Chinchilla, runs[ratio <= 100])
promised = scaling.regret(usual, COMPUTE, ["20K", "40K", "80K", "160K"])
best = promised.optimum[0]
print(f"By runs of up to 100 tokens per param the best size would be {best / 1e3:.0f}K params.")
print(*(issue for issue in promised.issues if issue.code == "ratio-beyond"))

# %%
# Points are the runs of this budget. Right of 100 tokens per param they leave the second law.

scaling.plot.over_training(
    {"all runs": answer, "runs of up to 100\ntokens per param": promised}, runs=runs
)
plt.show()
