"""What does a loss cost, and how far can a smaller model go?

Asks a published law for the compute that reaches a loss, for the tokens an 8B model would need for
it, and what the smaller model costs in compute.
"""

import scaling

law = scaling.published("besiroglu-2024")
print(law.source, "-", law.evidence, "\n")

best = scaling.required(law, "compute", loss=[2.2, 2.1, 2.05])
print(best, "\n")

small = scaling.required(law, "tokens", loss=[2.2, 2.1, 2.05], held={"params": 8e9})
print(small, "\n")

extra = small.table["compute"] / best.table["compute"] - 1
for loss, share in zip(best.table["loss"], extra, strict=True):
    print(f"At a loss of {loss} an 8B model takes {share:.0%} more compute than the best size.")
