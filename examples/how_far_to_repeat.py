"""How far may I repeat my data?
================================

Text runs out before compute does. The law of Muennighoff et al. 2023 says what a token seen again
is worth, and so how a compute is best spent on a fixed amount of text: on epochs, or on params.
Its coefficient R_D, how many repeats keep their worth, is known from below only. So ask with the
published one, and with the ends that the runs of the paper leave open.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import scaling

published = scaling.published("muennighoff-2023")
held = {"unique_tokens": 25e9}
laws = {R_D: replace(published.law, R_D=R_D) for R_D in (8.0, published.law.R_D, 50.0)}
for R_D, law in laws.items():
    row = scaling.compute_optimal(law, 1e22, held=held).table.iloc[0]
    print(
        f"R_D {R_D:4.1f}: {row['params'] / 1e9:.1f}B params, {row['epochs']:.1f} epochs, "
        f"loss {row['loss']:.3f}"
    )

# %%
# The best model hardly depends on it at this compute. What more text would be worth does.

for R_D, law in laws.items():
    table = scaling.worth_of(law, 1e22, more={"unique_tokens": 25e9}, held=held).table
    print(
        f"R_D {R_D:4.1f}: one more token is worth {table['worth'][0]:.1e} FLOPs, twice the text "
        f"{table['multiplier'][1]:.2f} times the compute"
    )

# %%
# Along the frontier compute goes into epochs, until they buy nothing.

frontier = scaling.compute_optimal(published, np.geomspace(1e19, 1e24, 61), held=held)
scaling.plot.frontier(frontier, column="loss", colour="epochs")
plt.show()
