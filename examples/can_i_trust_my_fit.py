"""Is my fit to be trusted?
========================

A fit always returns numbers. Whether they mean something is in what it says beside them: how many
starts of the search agree, which issues it raises, whether the residuals are as small as the noise.
Here are two tables drawn from one law, one that can carry an answer and one that cannot, and a
measured one whose law is not known.
"""

import matplotlib.pyplot as plt
import numpy as np

import scaling
from scaling.laws import Chinchilla

truth = scaling.published("besiroglu-2024").law
good = scaling.datasets.load("demo")
sweep = scaling.datasets.load("sweep", rows="isoflop")

params = np.geomspace(70e6, 7e9, 16)
poor = {"params": params, "tokens": 20 * params}
noise = np.random.default_rng(1).normal(0, 0.003, len(params))
poor["loss"] = truth.predict(poor) * np.exp(noise)

fits = {"isoFLOP": scaling.fit(Chinchilla, good, noise=0.003),
        "20 tokens a param": scaling.fit(Chinchilla, poor, noise=0.003),
        "measured": scaling.fit(Chinchilla, sweep, noise=0.0157)}  # fmt: skip

# %%
# **Does the search arrive?** The share of 64 starts that end at the lowest minimum.

for name, fit in fits.items():
    print(f"{name}: {fit.starts.share:.0%} of the starts agree.")

# %%
# **Does the law describe the runs?** The spread of the residuals over the noise: 1 is right, much
# more means that the runs show something the law lacks, as the measured ones do. Their noise of
# 1.57% is that of other seeds of four of them (``load("sweep", rows="seeds")``).

for name, fit in fits.items():
    print(f"{name}: residuals are {fit.lack_of_fit:.2f} times the noise.")

# %%
# **Can these runs carry the answer?** Every run of the second table has 20 tokens a param, so the
# effects of params and of tokens cannot be told apart. Its residuals are as good as the other's;
# its issues are not.

for name, fit in fits.items():
    print(f"{name}: {len(fit.issues)} issues")
    for issue in fit.issues:
        print("  *", issue)

# %%
# **What does it mean for the decision?** The interval of the best size at ten times the largest
# compute. That of the measured runs knows nothing of what their law misses:

for name, fit in fits.items():
    try:
        row = scaling.compute_optimal(fit, 10 * fit.ranges["compute"][1]).table.iloc[0]
        print(f"{name}: {row['params_low']:.2g} to {row['params_high']:.2g} params")
    except scaling.NoTradeoffError as refusal:
        print(f"{name}: none. {refusal}")

# %%
# The runs show why. Along a line, more params always come with more tokens; across a plane each has
# its own effect. The measured runs, far smaller, cover a plane: their fault is another one.

figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
for marker, (name, fit) in zip("ox^", fits.items(), strict=True):
    ax.loglog(fit.runs["params"], fit.runs["tokens"], marker, markersize=5, label=name)
ax.set(xlabel="params", ylabel="tokens")
ax.legend(frameon=False)
plt.show()
