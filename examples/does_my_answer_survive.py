"""Does my answer survive other choices?
======================================

Two people fit the same law to the same runs and disagree: one weighs outliers less, the other
leaves out the smallest models. An audit makes all such choices and lays the answers side by side.
Here it is asked of a table that follows its law, and of one whose largest models are worse.
"""

import matplotlib.pyplot as plt

import scaling
from scaling.laws import Chinchilla

sound = scaling.datasets.load("demo")
worse = sound.copy()
worse.loc[worse["params"] > 2e9, "loss"] *= 1.02  # as if their learning rate had not been tuned

audits = {
    name: scaling.audit(scaling.fit(Chinchilla, runs), compute=1e24)
    for name, runs in {"sound": sound, "largest models 2% worse": worse}.items()
}

# %%
# **How far apart are the answers?** The spread over the choices, in widths of the interval that the
# resamples give. An interval that is honest about the noise knows nothing of the choices.

for name, audit in audits.items():
    spread = audit.spread.set_index("group")["in_intervals"]
    print(f"{name}: {spread['all']:.1f} interval widths")
    print(spread.drop("all").round(2).to_string(), "\n")

# %%
# **Which choice matters?** The first row is the fit's own answer with its interval.

for name, audit in audits.items():
    counted = audit.table[audit.table["counted"]]
    most = counted.loc[counted["shift"].abs().idxmax()]
    base = audit.table.iloc[0]
    print(f"{name}: {base['value'] / 1e9:.0f}B, but {most['value'] / 1e9:.0f}B {most['choice']}.")
    print(*audit.issues, sep="\n")

# %%
# **See it.** Orange bars end outside the interval.

figure, axes = plt.subplots(2, 1, figsize=(5.5, 9.5), layout="constrained")
for ax, (name, audit) in zip(axes, audits.items(), strict=True):
    scaling.plot.audit(audit, ax=ax)
    ax.set_title(name, loc="left")
plt.show()

# %%
# **What to report.** The checklist is filled from the fit; what a fit cannot know, it says.

print(audits["sound"].checklist)
