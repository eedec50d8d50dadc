"""What does each model size cost me, in loss and in dollars?
==========================================================

The best size is rarely the size you train: you have a configuration that works, a memory limit, a
serving cost. What matters is what another size costs. Regret answers in loss, in compute that the
best size would have saved, and with the price of your machines in days and dollars. The runs are
small models, trained on one core each; the price asked is that of a run ten times the largest.
"""

import matplotlib.pyplot as plt

import scaling

runs = scaling.datasets.load("sweep", rows="isoflop")
large = runs[runs["params"] > 2e5]  # smaller models keep a core less busy
speed = (large["compute"] / large["seconds"]).median()  # FLOPs a second, as reached
core = scaling.Hardware(flops_per_second=speed, utilisation=1.0, dollars_per_device_hour=0.05)
sizes = ["100K", "200K", "400K", "800K"]
answer = scaling.regret(scaling.ensemble(runs), 5e13, sizes, within=0.01, hardware=core)
hours, cents = 24 * core.days(5e13), 100 * core.dollars(5e13)
print(f"The run takes {hours:.1f} hours of a core and {cents:.1f} cents whatever the size.")

# %%
# Wasted compute is what the best size would not have needed for the loss that this size reaches.

for row in answer.table.itertuples():
    print(
        f"{row.params / 1e3:.0f}K: {row.excess_mean:.1%} more loss than the best size, as if "
        f"{100 * row.wasted_dollars:.2f} cents of it were wasted; within {answer.within:.0%} of "
        f"the best with probability {row.probability_within:.0%}."
    )

# %%
# The valley is flat: every size of the band is within 1% of the best one with probability 0.9.
# Choose inside it by what the law does not know, such as the cost of serving.

low, high = answer.band
print(f"Sizes from {low / 1e3:.0f}K to {high / 1e3:.0f}K are safe.")
scaling.plot.regret(answer)
plt.show()
