"""Metrics of a large run: this harness against pytrec_eval, same files, same machine, one run.

    pip install pytrec_eval-terrier
    python benches/metrics_vs_pytrec_eval.py [--queries 50000] [--depth 100] [--repeats 5]

A random run (some scores tie, three relevant documents per query, one of them often not retrieved)
is written as TREC files. Timed on each side, single-threaded, is the evaluation of a run that is
already in memory: pytrec_eval's `evaluate` on its dictionaries, and here the Rust example
`metrics_bench`, including sorting out ties and judged documents. Not timed: reading files and
building the dictionaries. Each side gives the fastest of its repeats. The means must agree to 1e-9.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import pytrec_eval

MEASURES = {"ndcg@10": "ndcg_cut_10", "mrr": "recip_rank", "recall@10": "recall_10", "map": "map"}
TARGET = 10.0
ROOT = pathlib.Path(__file__).resolve().parent.parent


def random_run(queries, depth, seed=1):
    """Run and qrels as dictionaries; scores have three decimals, so about five in a hundred tie."""
    rng = random.Random(seed)
    run, qrels = {}, {}
    for q in range(queries):
        documents = [f"d{d:07d}" for d in rng.sample(range(1_000_000), depth + 1)]
        judged = [rng.choice(documents), rng.choice(documents), documents[-1]]
        qrels[f"q{q}"] = {d: rng.randint(1, 3) for d in judged} | {rng.choice(documents[:-1]): 0}
        run[f"q{q}"] = {d: rng.randrange(1000) / 1000 for d in documents[:-1]}
    return run, qrels


def write_files(folder, run, qrels):
    """TREC run and qrels; returns their paths."""
    run_path, qrels_path = folder / "run.trec", folder / "qrels.trec"
    with run_path.open("w") as out:
        for query, documents in run.items():
            out.writelines(f"{query} Q0 {d} 0 {score} random\n" for d, score in documents.items())
    with qrels_path.open("w") as out:
        for query, judged in qrels.items():
            out.writelines(f"{query} 0 {d} {grade}\n" for d, grade in judged.items())
    return run_path, qrels_path


def time_pytrec_eval(run, qrels, repeats):
    """Fastest seconds and the means over queries."""
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recip_rank", "recall.10", "map"})
    fastest = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        results = evaluator.evaluate(run)
        fastest = min(fastest, time.perf_counter() - start)
    means = {ours: sum(r[theirs] for r in results.values()) / len(results) for ours, theirs in MEASURES.items()}
    return fastest, means


def time_ours(run_path, qrels_path, repeats):
    """Fastest seconds and the means, as the Rust example prints them."""
    command = ["cargo", "run", "--release", "--quiet", "-p", "clirbench-core", "--example", "metrics_bench", "--"]
    command += [str(run_path), str(qrels_path), str(repeats)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    means = json.loads(done.stdout)
    return means.pop("seconds"), means


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=50_000)
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    run, qrels = random_run(options.queries, options.depth)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_files(pathlib.Path(folder), run, qrels)
        ours, our_means = time_ours(*paths, options.repeats)
    theirs, their_means = time_pytrec_eval(run, qrels, options.repeats)

    print(f"{options.queries} queries x {options.depth} documents, {', '.join(MEASURES)}")
    print(f"pytrec_eval  {theirs:8.3f} s")
    print(f"clirbench    {ours:8.3f} s  {theirs / ours:.1f}x (target {TARGET:.0f}x)")
    apart = {name: abs(our_means[name] - their_means[name]) for name in MEASURES}
    for name, difference in apart.items():
        print(f"  {name:10} {our_means[name]:.9f}  differs by {difference:.1e}")
    if max(apart.values()) > 1e-9:
        sys.exit("the means differ by more than 1e-9")
    if theirs / ours < TARGET:
        sys.exit(f"below the target of {TARGET:.0f}x")


if __name__ == "__main__":
    main()
