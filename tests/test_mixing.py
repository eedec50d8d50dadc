"""Laws of data mixtures, against the runs of Ye et al. 2024, SciPy, and closed forms."""

import itertools
import json
import pickle
from dataclasses import replace

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import least_squares, minimize, minimize_scalar

import scaling
from scaling.frontier import simplex
from scaling.laws import data_mixing

PAPER = "Ye et al. 2024"
LINEAR = scaling.LeastSquares(space="linear")
TWO = data_mixing(("github", "pile_cc"))
THREE = data_mixing(("github", "books3", "pile_cc"))
WEB = data_mixing(("web", "code", "books"))
TRUTH = {
    "prose": WEB(c=2.4, k_web=0.05, k_code=1.2, k_books=0.6),
    "programs": WEB(c=0.9, k_web=1.1, k_code=0.05, k_books=1.4),
    "novels": WEB(c=2.7, k_web=0.9, k_code=1.3, k_books=0.05),
}
NOISE = 0.003


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def shares_of(domains, values):
    return {f"share_{name}": value for name, value in zip(domains, values, strict=True)}


def simulated(seed, count=24, noise=NOISE):
    """Runs of random mixtures with every domain in them, and their losses on three sets."""
    stream = np.random.default_rng(seed)
    parts = 0.1 + 0.7 * stream.dirichlet(np.ones(3), count)
    table = pd.DataFrame(shares_of(("web", "code", "books"), parts.T))
    for name, law in TRUTH.items():
        table[f"loss_{name}"] = law.predict(table) * np.exp(stream.normal(0, noise, count))
    return table


def fitted(table, family=WEB, names=tuple(TRUTH), **options):
    return {name: scaling.fit(family, table, columns={"loss": f"loss_{name}"}, **options)
            for name in names}  # fmt: skip


@pytest.fixture(scope="module")
def fits():
    return fitted(simulated(0))


@pytest.fixture(scope="module")
def mixtures(data):
    """The runs of Ye et al. 2024, steps as numbers where they are."""
    table = pd.read_csv(data / "mixture-ye" / "runs.csv", dtype={"step": str})
    return table.assign(step=pd.to_numeric(table["step"], errors="coerce"))


@pytest.fixture(scope="module")
def large(mixtures):
    """The 410M runs of three domains, one row a mixture; domains in the order inferred below."""
    runs = mixtures.query("experiment == '3Mix' and size == '410M' and step == 60000")
    ratios = ["ratio_1", "ratio_2", "ratio_3"]
    wide = runs.pivot_table(index=ratios, columns="validation_domain", values="loss")
    wide = wide.rename(columns=lambda name: f"loss_{name.lower().replace('-', '_')}").reset_index()
    return wide.rename(columns=dict(zip(ratios, THREE.shares, strict=True)))


def explained(said, values):
    """R2, the share of the variance of values that what is said of them explains."""
    values = np.asarray(values)
    return float(1 - ((said - values) ** 2).sum() / ((values - values.mean()) ** 2).sum())


def by_scipy(residual, starts, bounds=(-np.inf, np.inf)):
    """The lowest sum of squares that SciPy finds from several starts."""
    found = [least_squares(residual, start, xtol=1e-12, ftol=1e-12, gtol=1e-12, x_scale="jac",
                           bounds=bounds) for start in starts]  # fmt: skip
    return min(found, key=lambda one: one.cost)


def mixed_by_scipy(shares, loss, *, log=False):
    """What SciPy's law of mixtures says of each row: c and the logs of k, by least squares."""
    shares, loss = np.asarray(shares, dtype=float), np.asarray(loss, dtype=float)

    def said(z):
        return z[0] + np.exp(shares @ z[1:])

    def residual(z):
        return np.log(np.maximum(said(z), 1e-9)) - np.log(loss) if log else said(z) - loss

    starts = [(c, *np.linalg.lstsq(shares, np.log(loss - c), rcond=None)[0])
              for c in loss.min() * np.array([0.3, 0.7, 0.9, 0.99])]  # fmt: skip
    best = by_scipy(residual, starts)
    return best.x, said(best.x)


# The law


def test_law_is_that_of_the_paper_in_coefficients_that_can_be_known():
    # Of the five-domain notebook: log c, log k and t of the loss on academic text.
    log_c, log_k = 0.9750, -2.1391
    t = np.array([-10.0864, 2.7140, 2.7106, 2.6083, 1.5866])
    names = ("academic", "web", "books", "code", "encyclopedia")
    shares = np.random.default_rng(0).dirichlet(np.ones(5), 50)
    printed = np.exp(log_c) + np.exp(log_k) * np.exp(shares @ t)
    family = data_mixing(names)
    for shift in (0.0, 3.0):  # one shares more of k, the other of t: the same law
        alone = np.exp(log_k - shift) * np.exp(t + shift)
        law = family(c=np.exp(log_c), **{f"k_{n}": k for n, k in zip(names, alone, strict=True)})
        np.testing.assert_allclose(law.predict(shares_of(names, shares.T)), printed, rtol=1e-12)
    for name, k in zip(names, alone, strict=True):
        low, high = family.coefficients[f"k_{name}"].typical
        assert low <= k <= high


def by_the_notebook(share, loss):
    """c, k and t of c + k exp(t r): c by the best correlation of r and log(loss - c)."""
    tried = np.linspace(0, loss.min(), 20_001)[:-1]
    logs = np.log(loss - tried[:, None])
    logs, share_off = logs - logs.mean(1, keepdims=True), share - share.mean()
    steep = logs @ share_off
    best = (steep**2 / (logs**2).sum(1)).argmax()
    slope = steep[best] / (share_off**2).sum()
    k = np.exp(np.log(loss - tried[best]).mean() - slope * share.mean())
    return {"c": tried[best], "k": k, "t": slope}


@pytest.mark.parametrize(
    ("size", "domain", "digits"),
    [
        ("70M", "Github", {"c": "1.112", "k": ".0989", "t": "1.630"}),
        ("70M", "Pile-CC", {"c": "3.424", "k": ".540", "t": "-2.567"}),
        ("160M", "Github", {"c": ".940", "k": ".0667", "t": "1.906"}),
        ("160M", "Pile-CC", {"c": "3.092", "k": ".5416", "t": "-2.616"}),
    ],
)
def test_two_domains_ye_2024_least_squares(mixtures, reproduces, printed, size, domain, digits):
    """The specification says R2 .9992 of the first, which is that of log(L - c): of L it is
    .99915, and a loss is off by .0031 there, where at 160M none is by more than .003."""
    chosen = mixtures.query("experiment == '2Mix' and step == 27000")
    chosen = chosen[(chosen["size"] == size) & (chosen["validation_domain"] == domain)]
    runs = chosen.rename(columns=dict(zip(["ratio_1", "ratio_2"], TWO.shares, strict=True)))
    law = scaling.fit(TWO, runs, objective=LINEAR, bootstrap=0).law
    found = {"c": law.c, "k": law.k_github, "t": np.log(law.k_pile_cc / law.k_github)}
    assert found == {name: printed(text) for name, text in digits.items()}
    reproduces(
        PAPER, f"c, k, t of c + k exp(t r), r the share of Pile-CC; loss on {domain}, {size}, "
        "step 27000, 5 runs", "", found, objective="least squares of loss", digits=4,
        verdict="agrees with SciPy",
    )  # fmt: skip
    share, loss = chosen["ratio_2"].to_numpy(), chosen["loss"].to_numpy()
    scanned = by_the_notebook(share, loss)
    assert scanned["t"] == pytest.approx(found["t"], rel=0.05)
    theirs, said = mixed_by_scipy(runs[list(TWO.shares)], loss)
    ours = [law.c, np.log(law.k_github), np.log(law.k_pile_cc)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(law.predict(runs), said, rtol=1e-6)
    if (size, domain) == ("70M", "Github"):
        assert explained(np.log(said - theirs[0]), np.log(loss - theirs[0])) == printed(".9992")
        assert explained(said, loss) < 0.99915
    else:
        assert explained(said, loss) > (0.9995 if size == "160M" else 0.9996)
    assert np.abs(said - loss).max() < (0.003 if size == "160M" else 0.0032)


def test_domain_order_of_the_three_domain_table_is_inferred_from_the_losses(mixtures):
    runs = mixtures.query("experiment == '3Mix' and size == '410M' and step == 60000")
    family = data_mixing(("first", "second", "third"))
    names = dict(zip(["ratio_1", "ratio_2", "ratio_3"], family.shares, strict=True))
    own = {}
    for domain, table in runs.groupby("validation_domain"):
        law = scaling.fit(family, table.rename(columns=names), objective=LINEAR, bootstrap=0).law
        own[domain] = min(law.values, key=lambda name: law.values[name])
    assert own == {"Github": "k_first", "Books3": "k_second", "Pile-CC": "k_third"}


def test_three_domains_ye_2024_own_fit(large, reproduces):
    with_all = large[(large[list(THREE.shares)] > 0).all(axis=1)]
    found = {}
    for name, runs in {"32 runs": large, "the 20 with all three": with_all}.items():
        for domain in ("github", "books3", "pile_cc"):
            target = f"loss_{domain}"
            fit = scaling.fit(THREE, runs, columns={"loss": target}, objective=LINEAR, bootstrap=0)
            found[name, domain] = explained(fit.law.predict(runs), runs[target])
            _, said = mixed_by_scipy(runs[list(THREE.shares)], runs[target])
            assert found[name, domain] == pytest.approx(explained(said, runs[target]), abs=1e-7)
    for name in ("32 runs", "the 20 with all three"):
        ours = {domain: float(found[name, domain]) for domain in ("github", "books3", "pile_cc")}
        reproduces(
            PAPER, f"R2 of three domains, 410M, step 60000, {name}; domain order inferred", "",
            ours, objective="least squares of loss", verdict="ours alone", digits=4,
        )  # fmt: skip
    assert all(found["the 20 with all three", domain] > found["32 runs", domain] for domain in ours)
    assert len(with_all) == 20


def test_three_domains_ye_2024_held_out(large, reproduces):
    with_all = large[(large[list(THREE.shares)] > 0).all(axis=1)].reset_index(drop=True)
    held = with_all.index % 4 == 3
    errors = {}
    for domain in ("github", "books3", "pile_cc"):
        fit = scaling.fit(THREE, with_all[~held], columns={"loss": f"loss_{domain}"},
                          objective=LINEAR, bootstrap=0)  # fmt: skip
        off = fit.law.predict(with_all[held]) - with_all.loc[held, f"loss_{domain}"]
        errors[domain] = float(np.abs(off).mean())
        logs, _ = mixed_by_scipy(with_all.loc[~held, list(THREE.shares)],
                                 with_all.loc[~held, f"loss_{domain}"])  # fmt: skip
        said = logs[0] + np.exp(with_all.loc[held, list(THREE.shares)].to_numpy() @ logs[1:])
        off = said - with_all.loc[held, f"loss_{domain}"]
        assert errors[domain] == pytest.approx(float(np.abs(off).mean()), rel=1e-3)
    reproduces(
        PAPER, "mean error of the loss held out: every fourth of the 20 runs of all three domains",
        "", errors, objective="least squares of loss", verdict="ours alone", digits=2,
    )  # fmt: skip
    assert max(errors.values()) < 0.02


def test_law_is_wrong_where_a_domain_is_left_out(large):
    """The law of the runs that have all three misses those without: the reason of the bounds."""
    with_all = (large[list(THREE.shares)] > 0).all(axis=1)
    fit = scaling.fit(THREE, large[with_all], columns={"loss": "loss_github"}, bootstrap=0)
    without = large[large["share_github"] == 0]
    assert (without["loss_github"] > 1.5 * fit.law.predict(without)).all()


# Projection to a larger scale


def projected(mixtures, size, **options):
    """Best share of Github at step 30000: as measured there, and projected from 20,000 steps."""
    runs = mixtures.query("experiment == '2Mix'").rename(columns={"step": "x"})
    runs = runs[runs["size"] == size].assign(mixture=runs["ratio_1"].astype(str))
    tables = {"measured": {}, "projected": {}}
    for domain, table in runs.groupby("validation_domain"):
        early = scaling.fit(scaling.laws.PowerLawPlusConstant, table[table["x"] <= 20_000],
                            by="mixture", objective=scaling.LeastSquares(), bootstrap=0,
                            **options)  # fmt: skip
        late = table[table["x"] == 30_000].set_index("mixture")["loss"]
        parts = np.array([float(name) for name in early])
        shares = shares_of(("github", "pile_cc"), (parts, 1 - parts))
        ahead = [float(one.law.predict(x=30_000.0)) for one in early.values()]
        tables["projected"][domain] = {**shares, "loss": ahead}
        tables["measured"][domain] = {**shares, "loss": late.loc[list(early)].to_numpy()}
    return {
        name: scaling.best_mixture({
            domain: scaling.fit(TWO, table, objective=scaling.LeastSquares(), bootstrap=0)
            for domain, table in both.items()}).shares["github"]
        for name, both in tables.items()
    }  # fmt: skip


def projected_by_scipy(mixtures, size, together):
    """The same best share with nothing of this library: power laws, laws of mixtures, a search."""
    runs = mixtures.query("experiment == '2Mix'").rename(columns={"step": "x"})
    runs = runs[runs["size"] == size]
    laws = []
    for _, table in runs.groupby("validation_domain"):
        wide = table.pivot_table(index="ratio_1", columns="x", values="loss")
        early = wide[[x for x in wide.columns if x <= 20_000]]
        steps, rows = early.columns.to_numpy(dtype=float) / 2e4, range(len(early))
        groups = [list(rows)] if together else [[row] for row in rows]
        ahead = np.empty(len(early))
        for group in groups:
            seen = early.to_numpy()[group]

            def said(z, at):
                return np.exp(z[2:, None]) + np.exp(z[0] - np.exp(z[1]) * np.log(at))

            def residual(z, seen=seen, said=said, steps=steps):
                return (np.log(said(z, steps)) - np.log(seen)).ravel()

            starts = [(np.log(share * seen.min()), np.log(alpha),
                       *np.log((1 - share) * seen[:, -1]))
                      for share in (0.05, 0.3) for alpha in (0.2, 0.6)]  # fmt: skip
            ahead[group] = said(by_scipy(residual, starts, (-20, 5)).x, np.array([1.5]))[:, 0]
        parts = wide.index.to_numpy()
        laws.append(mixed_by_scipy(np.stack([parts, 1 - parts], axis=1), ahead, log=True)[0])
    found = minimize_scalar(
        lambda r: sum(c + np.exp(r * one + (1 - r) * other) for c, one, other in laws),
        bounds=(parts.min(), parts.max()), method="bounded", options={"xatol": 1e-9},
    )  # fmt: skip
    return float(found.x)


def test_projecting_mixtures_ye_2024_wants_what_they_share(mixtures, reproduces):
    found = {}
    for size in ("70M", "160M"):
        alone = projected(mixtures, size)
        together = projected(mixtures, size, shared=("A", "alpha"))
        found[f"{size} measured"] = alone["measured"]
        found[f"{size} each alone"] = alone["projected"]
        found[f"{size} sharing A and alpha"] = together["projected"]
        assert abs(together["projected"] - alone["measured"]) < 0.03
        for ours, shared in ((alone, False), (together, True)):
            theirs = projected_by_scipy(mixtures, size, shared)
            assert ours["projected"] == pytest.approx(theirs, abs=1e-3)
    assert abs(found["160M each alone"] - found["160M measured"]) > 0.07
    reproduces(
        PAPER, "best share of Github at step 30000, from power laws of the first 20000 steps", "",
        found, objective="least squares", verdict="ours alone", digits=2,
    )  # fmt: skip


# Best mixtures


@pytest.mark.parametrize("domains", [2, 3, 5, 12])
@pytest.mark.parametrize("terms", [1, 2, 6])
@pytest.mark.parametrize("steep", [0.5, 10.0])
@pytest.mark.parametrize("bounded", [False, True])
def test_best_shares_have_no_gap_whatever_the_problem(domains, terms, steep, bounded):
    stream = np.random.default_rng([domains, terms, int(steep), bounded])
    exponents = stream.normal(0, steep, (50, terms, domains))
    logs = stream.normal(0, 2, (50, terms))
    low, high = np.zeros(domains), np.ones(domains)
    if bounded:
        low = stream.uniform(0, 0.6 / domains, domains)
        high = low + stream.uniform(0.7, 0.9, domains)
        low[0] = high[0] = 0.3  # one that cannot move
    found = simplex.least_shares(exponents, logs, low, high)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    assert (found >= low - 1e-12).all()
    assert (found <= high + 1e-12).all()
    assert (simplex.gap_of(exponents, logs, found, low, high) < 1e-7).all()


@pytest.mark.filterwarnings("ignore:Values in x were outside bounds")  # of older SciPy's own steps
def test_gap_is_by_how_much_scipy_does_better():
    stream = np.random.default_rng(0)
    exponents, logs = stream.normal(0, 2, (20, 3, 4)), np.zeros((20, 3))
    low, high = np.full(4, 0.05), np.full(4, 0.6)
    even = np.full((20, 4), 0.25)
    gaps = simplex.gap_of(exponents, logs, even, low, high)
    for a, gap, found in zip(
        exponents, gaps, simplex.least_shares(exponents, logs, low, high), strict=True
    ):

        def value(r, a=a):
            return float(np.log(np.exp(a @ r).sum()))

        best = minimize(value, even[0], bounds=list(zip(low, high, strict=True)), method="SLSQP",
                        constraints={"type": "eq", "fun": lambda r: r.sum() - 1},
                        options={"ftol": 1e-13, "maxiter": 500})  # fmt: skip
        assert value(found) <= best.fun + 1e-9
        assert np.abs(found - best.x).max() < 1e-4
        assert value(even[0]) - best.fun <= gap + 1e-9


def test_best_of_two_domains_is_the_closed_form():
    prose, programs = TWO(c=2.0, k_github=1.5, k_pile_cc=0.2), TWO(c=1, k_github=0.1, k_pile_cc=0.9)
    found = scaling.best_mixture({"a": prose, "b": programs}, {"a": 3, "b": 1})
    up, down = np.log(1.5 / 0.2), np.log(0.1 / 0.9)
    wanted = np.log(-0.25 * 0.9 * down / (0.75 * 0.2 * up)) / (up - down)
    assert found.shares["github"] == pytest.approx(wanted, abs=1e-6)
    row = found.losses.set_index("validation")
    assert row.loc["a", "loss"] == pytest.approx(2.0 + 1.5**wanted * 0.2 ** (1 - wanted), rel=1e-9)
    assert row.loc["weighted mean", "loss"] == pytest.approx(
        0.75 * row.loc["a", "loss"] + 0.25 * row.loc["b", "loss"]
    )
    assert found.kind == "none"
    assert found.table["share_low"].isna().all()


def test_one_loss_is_best_on_the_domain_that_helps_it_most():
    found = scaling.best_mixture(TRUTH["programs"], bounds={"code": (0, 0.7), "books": (0.1, 1)})
    assert found.shares == pytest.approx({"web": 0.2, "code": 0.7, "books": 0.1}, abs=1e-9)
    assert list(found.losses["validation"]) == ["loss"]


def test_draws_are_solved_each_by_itself_and_paired(fits):
    found = scaling.best_mixture(fits, {"prose": 2, "programs": 1, "novels": 1})
    for i in (0, 57, 199):
        alone = scaling.best_mixture(
            {name: fit.draws.pick(i) for name, fit in fits.items()},
            {"prose": 2, "programs": 1, "novels": 1},
            bounds={name: (row.runs_from, row.runs_to)
                    for name, row in found.table.set_index("domain").iterrows()},
        )  # fmt: skip
        np.testing.assert_allclose(found.drawn.iloc[i], list(alone.shares.values()), atol=1e-6)
    low, high = np.quantile(found.drawn["web"], [0.05, 0.95])
    assert found.table[["share_low", "share_high"]].iloc[0].tolist() == pytest.approx([low, high])


def test_loss_beside_draws_of_another_stays_at_its_best(fits):
    found = scaling.best_mixture({"prose": fits["prose"], "programs": TRUTH["programs"]})
    assert len(found.drawn) == 200
    assert found.kind == "pairs n=200"
    assert found.losses.loc[1, "loss_low"] == pytest.approx(found.losses.loc[1, "loss_high"])


def test_resamples_of_other_runs_are_told():
    table, names = simulated(0), ("prose",)
    same = fitted(table, bootstrap=100)

    def told(**options):
        other = fitted(**{"table": table, "names": names, "bootstrap": 100, **options})
        issues = scaling.best_mixture({**same, **other}).issues
        found = [one for one in issues if one.code == "draws-unpaired"]
        assert all("prose, programs, novels share runs" in one.message for one in found)
        return [one.severity for one in found]

    assert told() == told(objective=LINEAR) == []
    assert told(table=simulated(9), seed=1) == []  # no run in common
    for other in ({"seed": 1}, {"table": table.iloc[:20]}, {"table": table.iloc[::-1]}):
        assert told(**other) == ["weakens"]


def test_error_that_losses_have_in_common_is_lost_without_its_resamples():
    """Twice one loss has the error of one; by resamples of its own, that over the root of 2."""
    table, options = simulated(0), {"names": ("prose",), "bootstrap": 1000, "objective": LINEAR}
    fit, other = (fitted(table, seed=seed, **options)["prose"] for seed in (0, 1))
    losses = [scaling.best_mixture({"one": fit, "again": one}).losses for one in (fit, other)]
    wide = [(one["loss_high"] - one["loss_low"]).tolist() for one in losses]
    assert wide[0][0] == pytest.approx(wide[0][2])
    assert wide[1][2] / wide[1][0] == pytest.approx(np.sqrt(0.5), rel=0.1)


def test_fits_by_a_column_are_a_mapping_that_it_takes():
    table = simulated(1)
    long = pd.concat([
        table[list(WEB.shares)].assign(loss=table[f"loss_{name}"], set=name) for name in TRUTH
    ], ignore_index=True)  # fmt: skip
    joint = scaling.fit(WEB, long, by="set")
    apart = fitted(table)
    found, wanted = scaling.best_mixture(joint), scaling.best_mixture(apart)
    assert found.shares == pytest.approx(wanted.shares, abs=1e-3)


def test_costs_are_what_scipy_finds_with_that_share_moved(fits):
    found = scaling.best_mixture(fits, bounds={"web": (0, 1), "code": (0, 1), "books": (0, 1)})
    laws = [fit.law for fit in fits.values()]

    def target(r):
        return float(np.mean([law.predict(shares_of(("web", "code", "books"), r)) for law in laws]))

    best = target(list(found.shares.values()))
    for j, move in itertools.product(range(3), (-0.1, 0.1)):
        fixed = list(found.shares.values())[j] + move
        others = [k for k in range(3) if k != j]

        def moved(part, j=j, fixed=fixed, others=others):
            r = np.empty(3)
            r[j], r[others] = fixed, [part, 1 - fixed - part]
            return target(r)

        least = min(moved(part) for part in np.linspace(0, 1 - fixed, 2001))
        column = "cost_of_less" if move < 0 else "cost_of_more"
        assert found.table[column].iloc[j] == pytest.approx(least - best, abs=1e-6)


def test_shares_stay_within_the_runs_unless_told_otherwise(fits):
    table = simulated(0)
    only = {"prose": 0, "programs": 1, "novels": 0}
    found = scaling.best_mixture(fits, only)
    assert found.shares["code"] <= table["share_code"].max()
    assert "mixture-at-edge" in {issue.code for issue in found.issues}
    wide = scaling.best_mixture(fits, only, bounds=dict.fromkeys(("web", "code", "books"), (0, 1)))
    assert wide.shares["code"] == pytest.approx(1)
    assert "mixture-at-edge" in {issue.code for issue in wide.issues}
    inside = scaling.best_mixture(fits)
    assert "mixture-at-edge" not in {issue.code for issue in inside.issues}


def test_a_flat_loss_says_so():
    alike = WEB(c=2.0, k_web=0.30, k_code=0.301, k_books=0.9)
    found = scaling.best_mixture(alike)
    flat = [issue for issue in found.issues if issue.code == "flat-mixture"]
    assert "web, code" in flat[0].message
    steep = scaling.best_mixture(TRUTH)
    assert "flat-mixture" not in {issue.code for issue in steep.issues}


def test_answer_is_plain_values_and_text(fits):
    found = scaling.best_mixture(fits, bounds={"web": (0.2, 0.5)})
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["losses"][-1]["validation"] == "weighted mean"
    assert plain["bounds"] == {"web": [0.2, 0.5]}
    for text in (str(found), found._repr_html_()):
        assert "programs" in text
        assert "web 0.2 to 0.5" in text


def test_unsolved_shares_are_one_sentence(monkeypatch):
    monkeypatch.setattr(simplex, "_STEPS", 2)
    with pytest.raises(scaling.ScalingError, match="were not found in 2 steps"):
        scaling.best_mixture(TRUTH)


@pytest.mark.parametrize("k", [0.0, 1e-200])
def test_a_domain_that_leaves_nothing_above_c_is_solved(k):
    none = TWO(c=2.0, k_github=k, k_pile_cc=1.0)
    other = TWO(c=2.0, k_github=1.0, k_pile_cc=0.5)
    found = scaling.best_mixture({"a": none, "b": other})
    assert 0 < found.shares["github"] < 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "least"), [(None, 0.86), (scaling.LeastSquares(), 0.8)], ids=["huber", "squares"]
)
def test_best_share_lies_in_its_interval_as_often_as_said(objective, least):
    wanted = scaling.best_mixture(TRUTH).shares
    hits = []
    for seed in range(120):
        found = scaling.best_mixture(fitted(simulated(seed), seed=seed, objective=objective))
        ends = found.table.set_index("domain")[["share_low", "share_high"]]
        hits.append([ends.loc[n, "share_low"] <= share <= ends.loc[n, "share_high"]
                     for n, share in wanted.items()])  # fmt: skip
    assert (np.mean(hits, axis=0) > least).all()


# Keeping families that were made to order


def test_fit_is_saved_by_the_name_of_its_factory(fits, tmp_path):
    path = scaling.save(fits["prose"], tmp_path / "prose.json")
    record = json.loads(path.read_text())
    assert record["family"] == "data_mixing"
    assert record["arguments"] == {"domains": ["web", "code", "books"]}
    loaded = scaling.load(path)
    assert loaded.family is WEB
    assert loaded.law.values == fits["prose"].law.values
    again = scaling.best_mixture({**fits, "prose": loaded})
    assert again.shares == pytest.approx(scaling.best_mixture(fits).shares)
    assert scaling.load(path, family=WEB).family is WEB
    with pytest.raises(scaling.ScalingError, match="family= is DataMixing"):
        scaling.load(path, family=TWO)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"family": "nothing"}, "family must be one of"),
        ({"arguments": {"breaks": 2}}, "an argument of data_mixing must be one of 'domains'"),
        ({"arguments": {"domains": ["web"]}}, "two or more different domains"),
        ({"arguments": {"domains": {"web": 1}}}, "data_mixing takes texts, numbers"),
        ({"arguments": 3}, "damaged fit"),
    ],
)
def test_damaged_names_of_families_are_one_sentence(fits, tmp_path, change, said):
    path = scaling.save(fits["prose"], tmp_path / "prose.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.load(path)


def test_laws_of_a_factory_are_pickled_with_their_draws(fits):
    copy = pickle.loads(pickle.dumps(fits["prose"]))
    assert copy.family is WEB
    np.testing.assert_array_equal(copy.draws.c, fits["prose"].draws.c)


# Bad input


@pytest.mark.parametrize(
    ("domains", "said"),
    [
        (("web",), "two or more different domains"),
        ((), "two or more different domains"),
        ("web", "two or more different domains"),
        (("web", "web"), "two or more different domains"),
        (("web", "pile-cc"), "letters, digits and _ only; got 'pile-cc'"),
        (("web", 3), "letters, digits and _ only; got 3"),
        ({"web": 1}, "texts, numbers and lists"),
    ],
)
def test_domains_that_make_no_law_are_one_sentence(domains, said):
    with pytest.raises(scaling.ScalingError, match=said):
        data_mixing(domains)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"share_web": 0.9}, "are shares, 0 or more, and must add to 1; not so in row 2"),
        ({"share_web": -0.1, "share_code": 0.6, "share_books": 0.5}, "not so in row 2"),
        ({"share_web": np.nan}, "must hold finite numbers; row 2"),
    ],
)
def test_runs_whose_shares_are_off_are_one_sentence(change, said):
    table = simulated(0)
    table.loc[2, list(change)] = list(change.values())
    with pytest.raises(scaling.ColumnError, match=said):
        scaling.fit(WEB, table, columns={"loss": "loss_prose"})


def test_shares_are_not_judged_by_decades():
    table = simulated(0)
    fit = scaling.fit(WEB, table, columns={"loss": "loss_prose"}, bootstrap=0)
    assert "narrow-range" not in {issue.code for issue in fit.issues}
    table["share_books"] = 0.2
    table["share_code"] = 0.8 - table["share_web"].clip(upper=0.7)
    table["share_web"] = 0.8 - table["share_code"]
    same = scaling.fit(WEB, table, columns={"loss": "loss_prose"}, bootstrap=0)
    blocked = [issue for issue in same.issues if issue.code == "narrow-range"]
    assert [issue.severity for issue in blocked] == ["blocks"]
    assert "share_books is 0.2 in every run" in blocked[0].message


def test_a_missing_domain_is_one_sentence(fits):
    table = simulated(0).drop(columns="share_books")
    with pytest.raises(scaling.ColumnError, match="share_books is missing"):
        scaling.fit(WEB, table, columns={"loss": "loss_prose"})
    with pytest.raises(scaling.ScalingError, match="predicts from share_web, share_code"):
        TRUTH["prose"].predict(share_web=0.5, share_code=0.5)
    with pytest.raises(scaling.ScalingError, match="must add to 1"):
        fits["prose"].forecast(share_web=0.5, share_code=0.5, share_books=0.5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bounds": {"news": (0, 1)}}, "names 'news'; the domains are web, code, books"),
        ({"bounds": {"web": (0.6, 1), "code": (0.6, 1)}}, "least shares add to 1.2, more than 1"),
        ({"bounds": dict.fromkeys(("web", "code", "books"), (0, 0.3))}, "add to 0.9, less than 1"),
        ({"bounds": {"web": (0.5, 0.2)}}, "least and largest share, such as"),
        ({"bounds": {"web": (0, 2)}}, "least and largest share, such as"),
        ({"bounds": {"web": 0.5}}, "least and largest share, such as"),
        ({"bounds": {"web": ("a", "b")}}, "least and largest share, such as"),
        ({"bounds": [0, 1]}, "mapping from domain"),
        ({"weights": {"prose": 1}}, "a number for each of prose, programs, novels; got prose"),
        ({"weights": [1, 2, 3]}, "a number for each of prose, programs, novels"),
        ({"weights": dict.fromkeys(TRUTH, 0)}, "0 or more, and not all 0; got 0, 0, 0"),
        ({"weights": {"prose": -1, "programs": 1, "novels": 1}}, "0 or more, and not all 0"),
        ({"weights": {"prose": "x", "programs": 1, "novels": 1}}, "0 or more, and not all 0"),
        ({"level": 90}, "level must be between 0 and 1"),
    ],
)
def test_options_of_best_mixture_that_cannot_be_are_one_sentence(options, said):
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.best_mixture(TRUTH, **options)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "got an empty mapping"),
        (3, "one a validation set; got int"),
        (scaling.published("besiroglu-2024"), "got Chinchilla for 'loss'"),
        ({"prose": scaling.published("besiroglu-2024").law}, "got Chinchilla for 'prose'"),
        ({"a": TRUTH["prose"], "b": TWO(c=1, k_github=1, k_pile_cc=2)}, "of the same shares"),
    ],
)
def test_what_is_no_law_of_mixtures_is_one_sentence(given, said):
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.best_mixture(given)


# Figures


def texts(ax):
    return " ".join(text.get_text() for text in ax.texts)


def test_triangle_has_the_runs_the_draws_and_the_best(fits):
    table = simulated(0)
    found = scaling.best_mixture(fits)
    ax = scaling.plot.mixture(found, runs=table)
    sizes = [len(line.get_xdata()) for line in ax.lines]
    assert sizes == [4, 200, len(table), 1]
    web, code, books = found.shares.values()
    x, y = ax.lines[-1].get_xydata()[0]
    assert (x, y) == pytest.approx((code + books / 2, books * np.sqrt(3) / 2))
    assert web == pytest.approx(1 - code - books)
    for name in ("all web", "all code", "all books", "books 0."):
        assert name in texts(ax)


def test_curve_of_two_domains_is_the_weighted_loss():
    laws = {"a": TWO(c=2.0, k_github=1.5, k_pile_cc=0.2), "b": TWO(c=1, k_github=0.1, k_pile_cc=1)}
    found = scaling.best_mixture(laws, bounds={"github": (0.2, 0.9)})
    ax = scaling.plot.mixture(found)
    x, y = ax.lines[1].get_data()
    assert (min(x), max(x)) == pytest.approx((0.2, 0.9))
    wanted = [np.mean([law.predict(share_github=r, share_pile_cc=1 - r) for law in laws.values()])
              for r in x]  # fmt: skip
    np.testing.assert_allclose(y, wanted)
    assert "best github" in texts(ax)


def test_many_domains_are_drawn_as_intervals():
    names = tuple("abcde")
    law = data_mixing(names)
    laws = {n: law(c=2.0, **{f"k_{m}": 0.1 if m == n else 1.0 for m in names}) for n in names}
    ax = scaling.plot.mixture(scaling.best_mixture(laws))
    assert [label.get_text() for label in ax.get_yticklabels()] == list(names)
    np.testing.assert_allclose(ax.lines[0].get_xdata(), 0.2, atol=1e-6)


def test_an_interval_is_drawn_from_its_low_end_to_its_high_end():
    names = ("web", "code", "books", "news")
    law = data_mixing(names)
    laws = {n: law(c=2.0, **{f"k_{m}": 0.1 if m == n else 1.0 for m in names}) for n in names}
    found = scaling.best_mixture(laws)
    ends = {"share_low": [0.26, 0.2, 0.2, 0.2], "share_high": 0.3}  # the first beside its share
    ax = scaling.plot.mixture(replace(found, table=found.table.assign(**ends)))
    drawn = [segment[:, 0].tolist() for segment in ax.collections[0].get_segments()]
    assert drawn == [[0.26, 0.3], *[[0.2, 0.3]] * 3]


def test_figure_of_a_mixture_refuses_what_it_cannot_draw(fits):
    with pytest.raises(scaling.ScalingError, match=r"scaling\.best_mixture"):
        scaling.plot.mixture(fits["prose"])
    with pytest.raises(scaling.ColumnError, match="share_web"):
        scaling.plot.mixture(scaling.best_mixture(fits), runs={"loss": [1.0]})


def test_a_domain_that_no_run_has_and_a_fit_without_resamples_are_told():
    stream = np.random.default_rng(0)
    web = stream.uniform(0.1, 0.9, 20)
    runs = pd.DataFrame({"share_web": web, "share_code": 1 - web, "share_math": 0.0})
    runs["loss"] = 2 + 0.5**web * 1.2 ** (1 - web) + stream.normal(0, 0.002, 20)
    three = data_mixing(("web", "code", "math"))
    told = {issue.code: issue for issue in scaling.fit(three, runs, bootstrap=0).issues}
    assert told["narrow-range"].severity == "blocks"
    assert "share_math is 0 in every run" in told["narrow-range"].message
    two = data_mixing(("web", "code"))
    drawn, bare = (scaling.fit(two, runs, bootstrap=count) for count in (20, 0))
    codes = [issue.code for issue in scaling.best_mixture({"a": drawn, "b": bare}).issues]
    assert "one-sided-errors" in codes
    both = scaling.best_mixture({"a": drawn, "b": drawn}).issues
    assert "one-sided-errors" not in [issue.code for issue in both]
