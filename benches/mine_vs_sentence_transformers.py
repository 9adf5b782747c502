"""Hard-negative mining against sentence-transformers' mine_hard_negatives: same vectors, same machine, one run.

    pip install sentence-transformers datasets numpy
    python benches/mine_vs_sentence_transformers.py [--rows 50000] [--dim 384] [--rounds 2] [--threads 2]

50,000 queries against 50,000 passages of 384 dimensions, with the options of Jang et al. 2025: ranks 50
to 300, at most 0.8, a relative margin of 0.05, 5 negatives per query.

What is compared is mining, not encoding: both sides get the same vectors from .npy files. Ours is the
whole command `clirbench mine --query-vectors --passage-vectors`, from its start to its end, with reading
the rows and writing them. Theirs is the call of mine_hard_negatives with a model that hands out the
vectors; starting Python, importing torch and writing are left out. Memory is the peak of each process.

The sides take turns, the fastest round of each counts. Both have to choose the same negatives, up to
candidates whose scores differ by less than rounding.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
# Two f32 summation orders of the products of unit vectors, and of their normalisation, differ by less.
ROUNDING = 2e-6
RANGE_MIN, RANGE_MAX, MAX_SCORE, MARGIN, COUNT = 50, 300, 0.8, 0.05, 5


def build():
    subprocess.run(["cargo", "build", "--release", "-p", "clirbench"], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "clirbench"


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make(folder, rows, dim):
    """Topics of about 50 rows each; a positive is nearer to its query than its topic is."""
    rng = np.random.default_rng(1)
    noise = lambda: rng.standard_normal((rows, dim), dtype=np.float32)
    topics = rng.standard_normal((max(rows // 50, 1), dim), dtype=np.float32)
    meant = topics[rng.integers(len(topics), size=rows)] + 0.8 * noise()
    np.save(folder / "queries.npy", unit(meant + 0.6 * noise()))
    np.save(folder / "passages.npy", unit(meant + 0.6 * noise()))
    with open(folder / "rows.jsonl", "w") as out:
        for i in range(rows):
            out.write(json.dumps({"id": str(i), "query": f"query {i}", "positive": f"passage {i}"}) + "\n")


# Linux counts the memory of the process that starts another among the other's peak: so a small one does.
STARTER = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - start, usage.ru_maxrss * 1024)
sys.exit(status != 0)
"""


def measured(command):
    """Seconds and peak memory in bytes of a process, and what it prints."""
    command = [str(part) for part in [sys.executable, "-c", STARTER, *command]]
    *output, last = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    seconds, memory = last.split()
    return float(seconds), int(memory), output


def ours(program, folder, threads):
    command = [program, "mine", folder / "rows.jsonl", "--out", folder / "ours.jsonl", "--quiet"]
    command += ["--query-vectors", folder / "queries.npy", "--passage-vectors", folder / "passages.npy"]
    command += ["--range-min", RANGE_MIN, "--range-max", RANGE_MAX, "--max-score", MAX_SCORE]
    command += ["--relative-margin", MARGIN, "--count", COUNT, "--rank-semantics", "survivors"]
    seconds, memory, _ = measured([*command, "--threads", threads])
    return seconds, memory


def theirs(folder, threads):
    command = [sys.executable, __file__, "--theirs", folder, "--threads", threads]
    _, memory, output = measured(command)
    return float(output[-1]), memory


def run_theirs(folder, threads):
    import torch
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    torch.set_num_threads(threads)
    vectors = {"query": np.load(folder / "queries.npy"), "passage": np.load(folder / "passages.npy")}

    class Model:
        device = torch.device("cpu")

        def encode(self, texts, **_):
            kind = texts[0].split()[0]
            return vectors[kind][[int(text.split()[1]) for text in texts]]

        encode_query = encode_document = encode

        def similarity(self, a, b):
            return torch.as_tensor(a) @ torch.as_tensor(b).T

        def similarity_pairwise(self, a, b):
            return (torch.as_tensor(a) * torch.as_tensor(b)).sum(1)

    rows = [json.loads(line) for line in open(folder / "rows.jsonl")]
    columns = {name: [row[name] for row in rows] for name in ("query", "positive")}
    dataset = Dataset.from_dict(columns)
    start = time.perf_counter()
    mined = mine_hard_negatives(
        dataset,
        Model(),
        range_min=RANGE_MIN,
        range_max=RANGE_MAX,
        max_score=MAX_SCORE,
        relative_margin=MARGIN,
        num_negatives=COUNT,
        output_format="n-tuple",
        verbose=False,
    )
    seconds = time.perf_counter() - start
    with open(folder / "theirs.jsonl", "w") as out:
        for row in mined:
            negatives = [row[f"negative_{k}"] for k in range(1, COUNT + 1)]
            out.write(json.dumps({"query": row["query"], "negatives": negatives}) + "\n")
    print(seconds)


def compare(folder):
    """Rows of both sides, and by how much the scores of what only one of them took differ at most."""
    read = lambda name: {
        row["query"]: row["negatives"] for row in map(json.loads, open(folder / name))
    }
    ours, theirs = read("ours.jsonl"), read("theirs.jsonl")
    queries, passages = (np.load(folder / name).astype(np.float64) for name in ("queries.npy", "passages.npy"))
    number = lambda text: int(text.split()[1])
    score = lambda query, text: float(queries[number(query)] @ passages[number(text)])
    different, worst = 0, 0.0
    for query in ours.keys() & theirs.keys():
        if ours[query] != theirs[query]:
            different += 1
            pairs = zip(ours[query], theirs[query])
            worst = max(worst, *(abs(score(query, a) - score(query, b)) for a, b in pairs))
    return len(ours), len(theirs), len(ours.keys() ^ theirs.keys()), different, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--wanted", type=float, default=1.0, help="the ratio of times below which it fails")
    parser.add_argument("--wanted-memory", type=float, default=10.0, help="the same for memory")
    parser.add_argument("--folder", type=Path, help="where the vectors go [default: a temporary folder]")
    parser.add_argument("--theirs", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.theirs:
        return run_theirs(args.theirs, args.threads)
    program = build()
    print(f"{args.rows} queries x {args.rows} passages x {args.dim}, {args.threads} threads")
    print("load average", *os.getloadavg())
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        make(folder, args.rows, args.dim)
        sides = {"ours": [], "theirs": []}
        for _ in range(args.rounds):
            sides["ours"].append(ours(program, folder, args.threads))
            sides["theirs"].append(theirs(folder, args.threads))
            for name, measurements in sides.items():
                seconds, memory = measurements[-1]
                print(f"{name:<7} {seconds:8.2f} s {memory / 2**20:8.0f} MiB", flush=True)
        mined, expected, alone, different, worst = compare(folder)
    print(f"rows with {COUNT} negatives: {mined} and {expected}, {alone} on one side only")
    print(f"rows that differ: {different}, in scores by at most {worst:.1e}")
    best = {name: [min(column) for column in zip(*measurements)] for name, measurements in sides.items()}
    time_ratio, memory_ratio = (best["theirs"][i] / best["ours"][i] for i in (0, 1))
    print(f"theirs / ours: time {time_ratio:.2f}, memory {memory_ratio:.1f}")
    if worst > ROUNDING or alone > args.rows // 1000:
        sys.exit("the sides choose different negatives")
    if time_ratio < args.wanted or memory_ratio < args.wanted_memory:
        sys.exit("the ratio is below the one that is wanted")


if __name__ == "__main__":
    main()
