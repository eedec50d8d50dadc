"""What is the best model within my limits?
==========================================

A budget, a limit on the size, a few shapes that can be built. The solver takes limits on any input
of any law, and says what they cost in loss.
"""

import scaling

fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("sweep", rows="isoflop"))
free = scaling.compute_optimal(fit, 5e13).table.iloc[0]
print(f"Without limits: {free.params / 1e3:.0f}K params, loss {free.loss:.3f}")

# %%
# A limit on the size, as memory sets it, and one on the tokens, as the text sets it.

for limit in ({"params": 1e5}, {"tokens": 2e7}, {"params": 1e5, "tokens": 2e7}):
    answer = scaling.compute_optimal(fit, 5e13, at_most=limit)
    row = answer.table.iloc[0]
    told = " and ".join(f"{name} at most {value:.0e}" for name, value in limit.items())
    left = any(issue.code == "compute-left-over" for issue in answer.issues)
    print(
        f"{told}: {row.params / 1e3:.0f}K params, {row.tokens / 1e6:.0f}M tokens, loss "
        f"{row.loss / free.loss - 1:.1%} higher{', compute is left over' if left else ''}"
    )

# %%
# Shapes that can be built near the best size, and what each loses against it.

shapes = scaling.buildable(fit, 5e13, vocab_size=256, tied=True, head_size=16, aspect=(8, 40))
for row in shapes.table.itertuples():
    print(
        f"{row.layers} layers of {row.width} with {row.heads} heads: {row.params / 1e3:.0f}K, "
        f"{row.excess:.2%} more loss"
    )
