"""Which default forecasts larger runs best, and which intervals hold them: on public tables.

Run from the folder above: ``SCALING_DATA=... python benchmarks/forecasting.py`` prints the tables
of docs/forecasting.md (some minutes on one core); ``--write`` puts them there.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tables import confirmed, developed, one_input

import scaling
from scaling.forecast.ensembles import DRIFT
from scaling.forecast.members import DEFAULT_MEMBERS, Member, drawn_of
from scaling.forecast.scoring import relative_scores
from scaling.forecast.widening import Drift
from scaling.laws import Chinchilla, CoupledChinchilla, PowerLaw, PowerLawPlusConstant

PAGE = Path(__file__).parents[1] / "docs" / "forecasting.md"
NEAREST, FARTHEST = 2.9, 20.0  # held-out computes over the largest fitted, on developed tables
LEVEL = 0.9
TIED, COUPLED, COUPLED_TIED = DEFAULT_MEMBERS
PLAIN = Member(Chinchilla, {}, {"alpha": (0.01, 3), "beta": (0.01, 3)})
FORMS = {"Chinchilla": PLAIN, "tied": TIED, "coupled": COUPLED, "coupled and tied": COUPLED_TIED}
OBJECTIVES = {
    "LAD": scaling.LeastAbsolute(), "Huber 1e-3": scaling.Huber(), "Huber 3e-3":
    scaling.Huber(delta=3e-3), "Huber 1e-2": scaling.Huber(delta=1e-2),
    "least squares": scaling.LeastSquares(),
}  # fmt: skip
UNBOUNDED = {
    "Chinchilla": {}, "tied": {"tied": {"beta": "alpha"}}, "coupled": {},
    "coupled and tied": {"tied": {"beta": "alpha"}}, "Kaplan": {},
}  # fmt: skip
FAMILIES = {"Chinchilla": Chinchilla, "tied": Chinchilla, "coupled": CoupledChinchilla,
            "coupled and tied": CoupledChinchilla, "Kaplan": scaling.laws.Kaplan}  # fmt: skip
FLOORS = (0.2, 0.3, 0.4, 0.5)
DELTAS = ("Huber 1e-3", "Huber 3e-3", "Huber 1e-2")
SCALES = tuple(round(0.0005 * step, 4) for step in range(4, 21))  # of the drift, an e-fold
PLAIN_FIT = "plain Chinchilla"


def candidates():
    """Every way to forecast that is tried, by name, as functions from runs to a source."""
    found = {PLAIN_FIT: partial(scaling.fit, Chinchilla, bootstrap=0)}
    for form, options in UNBOUNDED.items():
        for name, objective in OBJECTIVES.items():
            plain = partial(scaling.fit, FAMILIES[form], objective=objective, bootstrap=0)
            found[f"all rows, {form}, {name}"] = partial(plain, **options)
    made = partial(scaling.ensemble, bootstrap=0)
    for rows in ("all", 0.2, 0.1, "near-frontier", 0.03):
        for form, member in FORMS.items():
            found[f"rows {rows}, {form}"] = partial(made, families=[member], rows=rows)
        found[f"rows {rows}, mean of 3"] = partial(made, rows=rows)
    found["mean of 4"] = partial(made, families=[*DEFAULT_MEMBERS, PLAIN])
    found["mean of the coupled 2"] = partial(made, families=[COUPLED, COUPLED_TIED])
    for floor in FLOORS:
        members = [replace(member, floor=floor) for member in DEFAULT_MEMBERS]
        for name in DELTAS:
            found[f"floor {floor}, {name}"] = partial(
                made, families=members, objective=OBJECTIVES[name])  # fmt: skip
    return found


def errors(series, tried, nearest, farthest):
    """Mean size of the relative error of each candidate at each cut of each series, in percent."""
    rows = []
    for one in series:
        found = scaling.backtest(tried, one.runs, cuts=one.cuts, farthest=farthest, bootstrap=0)
        points = found.points[found.points.distance >= nearest]
        mean = points.assign(size=100 * points.error.abs()).groupby(["candidate", "cut"])["size"]
        rows.append(mean.mean().reset_index().assign(table=one.table, series=one.name))
    return pd.concat(rows, ignore_index=True)


def ratios(found):
    """Error over that of the plain fit: geometric mean over cuts, by table and candidate."""
    wide = found.pivot_table(index=["table", "series", "cut"], columns="candidate", values="size")
    return np.exp(np.log(wide.div(wide[PLAIN_FIT], axis=0)).groupby("table").mean())


def over_tables(by_table):
    """Geometric mean over tables."""
    return np.exp(np.log(by_table).mean())


def left_out(by_table, names):
    """For each table, the candidate that is best on the others, and its ratio on this one."""
    rows = []
    for table in by_table.index:
        best = over_tables(by_table.drop(index=table)[names]).idxmin()
        rows.append((table, best, by_table.loc[table, best]))
    return pd.DataFrame(rows, columns=["table", "chosen on the others", "ratio"])


def forecasts(series, nearest, farthest):
    """Ensembles and plain fits with resamples, and the runs that each is to forecast."""
    for one in series:
        for cut in one.cuts:
            below = one.runs[one.runs.compute <= cut]
            largest = below.compute.max()
            far = one.runs.compute / largest
            above = one.runs[(one.runs.compute > cut) & (far >= nearest) & (far <= farthest)]
            if len(above):
                yield (one, above, scaling.ensemble(below), scaling.fit(Chinchilla, below),
                       float((below.params * below.tokens).max()))  # fmt: skip


def scored(table, above, source, low="next_run_low", high="next_run_high"):
    """Coverage, half width and interval score of a source on runs, the last two in percent."""
    told = source.forecast(above[["params", "tokens"]], level=LEVEL).table
    seen, low, high = above.loss.to_numpy(), told[low].to_numpy(), told[high].to_numpy()
    score = relative_scores(seen, low, high, LEVEL)
    return {"table": table, "coverage": np.mean((seen >= low) & (seen <= high)),
            "half width %": 50 * np.mean((high - low) / seen),
            "interval score %": 100 * score.mean()}  # fmt: skip


def intervals(series, nearest, farthest, drifts):
    """Scores of each interval by table; of the ensemble's with each drift."""
    rows = []
    for one, above, made, plain, reach in forecasts(series, nearest, farthest):
        score = partial(scored, one.table, above)
        rows.append({"interval": "plain: curve", **score(plain, low="loss_low", high="loss_high")})
        rows.append({"interval": "plain: next run", **score(plain)})
        for drift in drifts:
            drawn = drawn_of(made.members, drift, reach, 0)
            rows.append({"interval": drift, **score(replace(made, draws=drawn))})
    return pd.DataFrame(rows).groupby(["interval", "table"], sort=False).mean()


def chosen_drift(scores, tables, count):
    """Drift of the smallest scale whose coverage, in the mean over tables, reaches the level."""
    for scale in SCALES:
        drift = Drift(scale, count - 1)
        if scores.loc[drift].loc[tables, "coverage"].mean() >= LEVEL:
            return drift
    return Drift(SCALES[-1], count - 1)


def drifts_left_out(scores, tables):
    """For each table the drift of the others, and how its intervals did on this one."""
    rows = []
    for table in tables:
        others = [name for name in tables if name != table]
        drift = chosen_drift(scores, others, len(others))
        rows.append({"table": table, "scale": drift.scale, **scores.loc[drift].loc[table]})
    return pd.DataFrame(rows).set_index("table")


def one_input_table(series):
    """Laws of params alone: error over that of a power law plus constant, and coverage."""
    rows = []
    families = {"power law plus constant": PowerLawPlusConstant, "power law": PowerLaw}
    for one in series:
        below, above = (one.runs[(one.runs.x <= one.cuts[0]) == small] for small in (True, False))
        made = {name: scaling.fit(family, below, bootstrap=0) for name, family in families.items()}
        made["mean of both"] = scaling.ensemble(below, families=list(families.values()),
                                                rows="all")  # fmt: skip
        for name, source in made.items():
            told = source.forecast(above[["x"]], level=LEVEL).table
            seen = above.loss.to_numpy()
            inside = (seen >= told.next_run_low) & (seen <= told.next_run_high)
            rows.append(
                {
                    "table": one.table,
                    "series": one.name,
                    "law": name,
                    "size": 100 * np.abs(told.loss / seen - 1).mean(),
                    "inside": inside.mean() if source.draws is not None else np.nan,
                }
            )
    frame = pd.DataFrame(rows)
    wide = frame.pivot(index=["table", "series"], columns="law", values="size")
    ratio = np.exp(
        np.log(wide.div(wide["power law plus constant"], axis=0)).groupby("table").mean()
    )
    inside = frame[frame.law == "mean of both"].groupby("table").inside.mean()
    error = wide.groupby("table").mean()
    return table_of(
        [[table, str((frame.table == table).sum() // 3),
          *(f"{number(error.loc[table, name])} ({number(ratio.loc[table, name])})" for name in
            ("power law plus constant", "power law", "mean of both")), number(inside[table])]
         for table in ratio.index],
        ["table", "series", "power law plus constant, error % (ratio)", "power law", "mean of both",
         "coverage of the mean"])  # fmt: skip


def table_of(rows, header):
    """Rows as a Markdown table."""
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join('---' for _ in header)} |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def number(value, digits=2):
    """Number as a table shows it; nothing where there is none."""
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def forms_table(by_table, objectives=tuple(OBJECTIVES)):
    """Forms by objective, every run."""
    total = over_tables(by_table)
    rows = [[form, *(number(total[f"all rows, {form}, {name}"]) for name in objectives)]
            for form in UNBOUNDED]  # fmt: skip
    return table_of(rows, ["form, every run, no bounds", *objectives])


def rows_table(by_table):
    """Rows by form, bounded."""
    total = over_tables(by_table)
    names = {"all": "every run", "0.2": "within 20%", "0.1": "within 10%",
             "near-frontier": "within 5%", "0.03": "within 3%"}  # fmt: skip
    columns = [*FORMS, "mean of 3"]
    rows = [[said, *(number(total[f"rows {rule}, {form}"]) for form in columns)]
            for rule, said in names.items()]  # fmt: skip
    return table_of(rows, ["runs near the best of their compute", *FORMS, "mean of the last 3"])


def settings_table(by_table):
    """Floor by objective, mean of three."""
    total = over_tables(by_table)
    rows = [[f"{floor:g} of the lowest loss",
             *(number(total[f"floor {floor}, {name}"], 3) for name in DELTAS)]
            for floor in FLOORS]  # fmt: skip
    return table_of(rows, ["irreducible loss at least", *DELTAS])


def splits_table(found, chosen):
    """Each cut: the ensemble's error beside the plain fit's."""
    wide = found.pivot_table(index=["table", "series", "cut"], columns="candidate", values="size")
    rows = [[table, series, f"{cut:.1e}", number(row[PLAIN_FIT]), number(row[chosen]),
             number(row[chosen] / row[PLAIN_FIT]) + (" worse" if row[chosen] > row[PLAIN_FIT]
                                                     else "")]
            for (table, series, cut), row in wide.iterrows()]  # fmt: skip
    header = ["table", "series", "fitted up to", "plain, error %", "mean of 3, error %", "ratio"]
    return table_of(rows, header)


def ratio_table(by_table, chosen):
    """The ensemble's ratio by table, and over tables."""
    rows = [[table, number(value)] for table, value in by_table[chosen].items()]
    return table_of([*rows, ["geometric mean", number(over_tables(by_table)[chosen], 3)]],
                    ["table", "error over that of plain Chinchilla"])  # fmt: skip


def scores_table(named):
    """Coverage, half width and score of intervals, in the mean over tables."""
    rows = [[name, number(frame["coverage"].mean()), number(frame["half width %"].mean(), 1),
             number(frame["interval score %"].mean(), 1),
             ", ".join(f"{table} {value:.2f}" for table, value in frame["coverage"].items())]
            for name, frame in named.items()]  # fmt: skip
    return table_of(rows, ["90% interval", "coverage", "half width %", "interval score %",
                           "coverage by table"])  # fmt: skip


def written(parts, page=PAGE):
    """Put each part between its marks on the page."""
    text = page.read_text(encoding="utf-8")
    for name, body in parts.items():
        begin = f"<!-- {name}: written by benchmarks/forecasting.py -->"
        end = f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n\n{body}\n\n{end}{rest.split(end, 1)[1]}"
    page.write_text(text, encoding="utf-8")


def report():
    """Every table of the page, by the name of its part."""
    made = list(developed())
    found = errors(made, candidates(), NEAREST, FARTHEST)
    by_table = ratios(found)
    chosen = "floor 0.3, Huber 3e-3"
    tuned = left_out(by_table, [name for name in by_table if name.startswith("floor ")])
    others = list(confirmed())
    fewer = {name: made for name, made in candidates().items()
             if not name.startswith("all rows") or name.endswith(DELTAS[0])}  # fmt: skip
    later = ratios(errors(others, fewer, 1.0, None))
    tables = list(by_table.index)
    count = len(tables)
    tried = [
        Drift(scale, freedom) for freedom in (count - 1, count - 2) for scale in (0.0, *SCALES)
    ]
    scores = intervals(made, NEAREST, FARTHEST, tried)
    drift = chosen_drift(scores, tables, count)
    cross = drifts_left_out(scores, tables)
    judged = intervals(others, 1.0, np.inf, [DRIFT])
    plain = ("plain: curve", "plain: next run")
    return {
        "forms": forms_table(by_table), "rows": rows_table(by_table),
        "settings": settings_table(by_table),
        "left out": table_of([[a, b.removeprefix("floor "), number(c)] for a, b, c in
                              tuned.itertuples(index=False)]
                             + [["geometric mean", "", number(np.exp(np.log(tuned.ratio).mean()),
                                                              3)]],
                             ["table", "floor and objective chosen on the others", "ratio"]),
        "ratio": ratio_table(by_table, chosen), "splits": splits_table(found, chosen),
        "confirmed": ratio_table(later, chosen),
        "intervals": scores_table({
            **{name: scores.loc[name] for name in plain},
            "ensemble without drift": scores.loc[Drift(0.0, count - 1)],
            f"ensemble, drift of all five ({100 * drift.scale:g}%)": scores.loc[drift],
            "ensemble, drift of the other four": cross,
        }),
        "drift": table_of([[table, number(100 * row["scale"]), number(row["coverage"]),
                            number(row["half width %"], 1), number(row["interval score %"], 1)]
                           for table, row in cross.iterrows()],
                          ["table", "drift of the others, % an e-fold", "coverage", "half width %",
                           "interval score %"]),
        "forms confirmed": forms_table(later, DELTAS[:1]), "rows confirmed": rows_table(later),
        "settings confirmed": settings_table(later),
        "one input": one_input_table(list(one_input())),
        "confirmed intervals": scores_table({
            **{name: judged.loc[name] for name in plain},
            f"ensemble, drift of {100 * DRIFT.scale:g}% an e-fold": judged.loc[DRIFT],
        }),
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    tables = report()
    if parser.parse_args().write:
        written(tables)
    else:
        print("\n\n".join(f"{name}\n{body}" for name, body in tables.items()))
