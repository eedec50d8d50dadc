"""How large should my vocabulary be?
==================================

Seven vocabularies were tried at three sizes of a small model, on the same text. Then the published
laws of Tao et al. 2024 are asked for models that people train, in three ways.
"""

import matplotlib.pyplot as plt
import pandas as pd

import scaling

runs = scaling.datasets.load("sweep", rows="vocabulary")

# %%
# Losses per token of two vocabularies cannot be compared, those per byte can. The best is the
# largest that was tried, at every size:

scaling.plot.vocabulary(runs)

# %%
# More entries make fewer tokens of a text, but each costs more. The vocabulary of least compute for
# the same text, by what the six BPE vocabularies made of it, is far smaller. It knows nothing of
# the loss:

text = scaling.TokensPerCharacter.from_runs(runs[runs["vocab_size"] > 256])
shapes = runs.drop_duplicates("width").sort_values("width")
print(text.cheapest(shapes["params_non_embedding"], shapes["width"]).round())

# %%
# What three ways of reading the runs of Tao et al. say of larger models:

sizes = [3e9, 13e9, 70e9]
names = {
    "lowest loss at each compute": "tao-2024-approach-1",
    "least compute for a text": "tao-2024-approach-2",
    "law of the loss": "tao-2024",
}
ways = {}
for way, name in names.items():
    ways[way] = scaling.best_vocabulary(scaling.published(name), sizes)
table = pd.DataFrame({way: best.table["vocab_size"].round(-3) for way, best in ways.items()})
print(table.set_index(pd.Index(["3B", "13B", "70B"], name="params")).astype(int))

# %%
# They agree within a sixth, and each has something to be said against it:

for best in ways.values():
    print(best.issues[0].message)

# %%
# A model that is trained on more text than its best compute buys wants a larger vocabulary, and one
# on less a smaller. At 0.1, 1 and 10 times the compute, for 13B params:

fair = ways["law of the loss"].table["compute"][1]
for times in (0.1, 1, 10):
    best = scaling.best_vocabulary(scaling.published("tao-2024"), 13e9, compute=times * fair)
    print(f"{times:4} times: {best.table['vocab_size'][0]:8,.0f}")

# %%
# The loss over that of the best vocabulary: the valleys are flat.

scaling.plot.vocabulary(ways["law of the loss"])
plt.show()
