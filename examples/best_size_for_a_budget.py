"""How large should the next model be, and what does it cost to be wrong?

Fits the Chinchilla law to a table of runs, asks for the best size at three budgets, and prices
every other size at the largest. Run it with a path to use your own table.
"""

import sys

import scaling
from scaling.laws import Chinchilla

runs = scaling.read_runs(sys.argv[1]) if len(sys.argv) > 1 else scaling.datasets.load("demo")
fit = scaling.fit(Chinchilla, runs)
print(fit, "\n")

print(scaling.compute_optimal(fit, [1e22, 1e23, 1e24]), "\n")

cluster = scaling.Hardware(
    flops_per_second=989e12, utilisation=0.4, devices=1024, dollars_per_device_hour=2.0
)
print(scaling.regret(fit, 1e24, ["30B", "70B", "100B", "200B"], hardware=cluster))
