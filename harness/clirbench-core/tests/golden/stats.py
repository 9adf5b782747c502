"""Golden values for clirbench-core's statistics, from scipy: writes stats.json beside this file.

    python3 harness/clirbench-core/tests/golden/stats.py

Exact values come from scipy.stats.permutation_test with every permutation enumerated and from
enumerating every bootstrap resample; where there are too many to enumerate, the exact tail of an
integer statistic comes from a convolution, and scipy.stats.bootstrap is drawn often enough that its
own error is small beside the tolerance of the test. Made with scipy 1.17.1 and numpy 2.4.6.
"""

import itertools
import json
import math
import pathlib

import numpy as np
from scipy import stats

rng = np.random.default_rng(20260301)


def rounded(values):
    return [round(float(v), 6) for v in values]


def randomization():
    """Paired tests of the mean difference, every sign pattern enumerated by scipy."""
    cases = []
    for n in (2, 5, 8, 10, 12):
        for shift in (0.0, 0.15, 0.4):
            base = np.array(rounded(rng.uniform(0, 1, n)))
            head = np.array(rounded(np.clip(base + shift + rng.normal(0, 0.2, n), 0, 1)))
            test = stats.permutation_test(
                (base, head),
                lambda x, y, axis: np.mean(y - x, axis=axis),
                permutation_type="samples",
                vectorized=True,
                n_resamples=np.inf,
                alternative="two-sided",
            )
            cases.append({"base": base.tolist(), "head": head.tolist(), "p": float(test.pvalue)})
    return cases


def clustered():
    """Several rows per query id; a cluster is swapped as a whole, so scipy permutes cluster sums."""
    cases = []
    for clusters, rows in ((6, 15), (9, 20), (11, 44)):
        ids = [f"q{i}" for i in rng.integers(0, clusters, rows)]
        base = np.array(rounded(rng.uniform(0, 1, rows)))
        head = np.array(rounded(np.clip(base + rng.normal(0.08, 0.25, rows), 0, 1)))
        names = sorted(set(ids))
        total = lambda values: np.array([sum(v for v, i in zip(values, ids) if i == name) for name in names])
        test = stats.permutation_test(
            (total(base), total(head)),
            lambda x, y, axis: np.sum(y - x, axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf,
        )
        cases.append({"ids": ids, "base": base.tolist(), "head": head.tolist(), "p": float(test.pvalue)})
    return cases


def norms():
    """The mean over cells of max@r_norm_of_mean: scipy swaps queries by their index, in all cells."""
    cases = []
    for n, cells in ((6, 2), (8, 3), (10, 2)):
        pool, relevant = 128, 2
        base = rng.integers(2, pool, (cells, n))
        head = np.clip(base + rng.integers(-40, 20, (cells, n)), 2, pool)
        both = np.stack([base, head])
        norm = lambda mean: 100 * (math.log2(pool) - math.log2(mean)) / (math.log2(pool) - math.log2(relevant))

        def difference(x, y):
            # Elements are 2 * query + side.
            average = lambda picked: np.mean([norm(np.mean([both[e % 2, c, e // 2] for e in picked])) for c in range(cells)])
            return average(y) - average(x)

        test = stats.permutation_test(
            (2 * np.arange(n), 2 * np.arange(n) + 1),
            difference,
            permutation_type="samples",
            vectorized=False,
            n_resamples=np.inf,
        )
        cases.append(
            {
                "pool": pool,
                "relevant": relevant,
                "base": base.tolist(),
                "head": head.tolist(),
                "difference": float(test.statistic),
                "p": float(test.pvalue),
            }
        )
    return cases


def drawn():
    """Too many patterns to enumerate: the exact tail of an integer sum, by convolution."""
    cases = []
    for n, shift in ((30, 0.3), (40, 0.6), (60, 0.8), (60, 1.4), (120, 1.5), (200, 1.4)):
        differences = np.rint(rng.normal(shift, 2, n)).astype(int)
        reach = int(np.abs(differences).sum())
        mass = np.zeros(2 * reach + 1)
        mass[reach] = 1.0
        for d in differences:
            mass = 0.5 * np.roll(mass, d) + 0.5 * np.roll(mass, -d)
        sums = np.arange(-reach, reach + 1)
        p = float(mass[np.abs(sums) >= abs(differences.sum())].sum())
        cases.append({"differences": differences.tolist(), "p": p})
    return cases


def percentile(sample):
    return [float(v) for v in np.percentile(sample, [2.5, 97.5])]


def bootstrap():
    """Percentile intervals of the paired mean difference."""
    exact = []
    for n in (6, 7):
        base = np.array(rounded(rng.uniform(0, 1, n)))
        head = np.array(rounded(rng.uniform(0, 1, n)))
        means = [np.mean((head - base)[list(draw)]) for draw in itertools.product(range(n), repeat=n)]
        low, high = percentile(means)
        exact.append({"base": base.tolist(), "head": head.tolist(), "low": low, "high": high})
    large = []
    for n in (20, 70, 200):
        base = np.array(rounded(rng.uniform(0, 1, n)))
        head = np.array(rounded(np.clip(base + rng.normal(0.05, 0.3, n), 0, 1)))
        interval = stats.bootstrap(
            (base, head),
            lambda x, y, axis: np.mean(y, axis=axis) - np.mean(x, axis=axis),
            paired=True,
            method="percentile",
            n_resamples=200_000,
            batch=2_000,
            rng=rng,
        ).confidence_interval
        large.append(
            {"base": base.tolist(), "head": head.tolist(), "low": float(interval.low), "high": float(interval.high)}
        )
    samples = []
    for n in (1, 2, 7, 40, 1000):
        sample = np.array(rounded(rng.normal(0, 1, n)))
        low, high = percentile(sample)
        samples.append({"sample": sample.tolist(), "low": low, "high": high})
    return {"enumerated": exact, "drawn": large, "percentiles": samples}


def power():
    """Power of the two-sided paired t test at 5%, which the randomization test of normal
    differences has but for terms of order 1/n (Hoeffding 1952); delta is in standard deviations."""
    cases = []
    for n, delta in ((40, 0.2), (40, 0.45), (70, 0.3)):
        quantile = stats.t.ppf(0.975, n - 1)
        noncentral = delta * math.sqrt(n)
        value = stats.nct.sf(quantile, n - 1, noncentral) + stats.nct.cdf(-quantile, n - 1, noncentral)
        cases.append({"queries": n, "delta": delta, "power": float(value)})
    return cases


golden = {
    "randomization": randomization(),
    "clustered": clustered(),
    "norms": norms(),
    "drawn": drawn(),
    "bootstrap": bootstrap(),
    "power": power(),
}


def lines(value, depth):
    """JSON with a case per line."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return json.dumps(value)
    if isinstance(value, list):
        return "[\n" + ",\n".join(lines(item, 0) for item in value) + "\n]"
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {lines(item, depth - 1)}" for key, item in value.items()) + "\n}"


pathlib.Path(__file__).with_suffix(".json").write_text(lines(golden, 2) + "\n")
