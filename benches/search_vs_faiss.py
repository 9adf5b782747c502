"""Exact search against FAISS IndexFlatIP: same vectors, same machine, one run.

    pip install faiss-cpu numpy
    python benches/search_vs_faiss.py [--threads 2] [--rounds 5] [--size 100000x384 --size 100000x1024]

Both sides hold the vectors in memory, search 1,000 queries for the top 100 and take turns; the
median of the rounds counts. The ratio is FAISS's time by ours: above 1 we are faster. The top-100
sets must agree, up to documents whose scores differ by less than rounding.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
# Two f32 summation orders of 1,024 products of unit vectors differ by less than this.
ROUNDING = 2e-6


def build():
    command = ["cargo", "build", "--release", "-p", "clirbench-search", "--example", "search_bench"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "examples" / "search_bench"


def unit_vectors(rng, rows, dim):
    vectors = rng.standard_normal((rows, dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


class Ours:
    def __init__(self, program, folder, documents, queries, top, threads):
        sizes = [documents.shape[0], documents.shape[1], queries.shape[0], top, threads]
        documents.tofile(folder / "documents.f32")
        queries.tofile(folder / "queries.f32")
        self.shape = (queries.shape[0], top)
        self.folder = folder
        command = [str(program), *map(str, sizes), str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def found(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit("search_bench failed")
        documents = np.fromfile(self.folder / "top.u32", dtype="<u4").reshape(self.shape)
        scores = np.fromfile(self.folder / "top.f32", dtype="<f4").reshape(self.shape)
        return documents, scores


class Faiss:
    def __init__(self, documents, queries, top, threads):
        faiss.omp_set_num_threads(threads)
        self.index = faiss.IndexFlatIP(documents.shape[1])
        self.index.add(documents)
        self.queries, self.top = queries, top

    def seconds(self):
        start = time.perf_counter()
        self.scores, self.documents = self.index.search(self.queries, self.top)
        return time.perf_counter() - start

    def found(self):
        return self.documents, self.scores


def disagreements(ours, theirs):
    """Documents in one top and not in the other whose score is not a near-tie with the last one's."""
    count = 0
    for i in range(len(ours[0])):
        last = max(ours[1][i, -1], theirs[1][i, -1])
        for (documents, scores), other in ((ours, theirs), (theirs, ours)):
            alone = ~np.isin(documents[i], other[0][i])
            count += int((scores[i][alone] > last + ROUNDING).sum())
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", action="append", help="documents x components, e.g. 100000x384")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--top", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    program = build()
    print(f"faiss {faiss.__version__}, {args.queries} queries, top {args.top}, {args.threads} threads")
    failed = False
    for size in args.size or ["100000x384", "100000x1024"]:
        rows, dim = map(int, size.split("x"))
        rng = np.random.default_rng(0)
        documents, queries = unit_vectors(rng, rows, dim), unit_vectors(rng, args.queries, dim)
        with tempfile.TemporaryDirectory() as folder:
            ours = Ours(program, Path(folder), documents, queries, args.top, args.threads)
            theirs = Faiss(documents, queries, args.top, args.threads)
            for side in (ours, theirs):
                side.seconds()  # page in, start threads
            times = [(ours.seconds(), theirs.seconds()) for _ in range(args.rounds)]
            a, b = (statistics.median(side) for side in zip(*times))
            wrong = disagreements(ours.found(), theirs.found())
        failed |= wrong > 0
        spread = f"{min(t / o for o, t in times):.2f} to {max(t / o for o, t in times):.2f}"
        print(f"{size}: ours {a:.3f} s, faiss {b:.3f} s, ratio {b / a:.2f} (rounds {spread}), {wrong} disagreements")
    sys.exit(failed)


if __name__ == "__main__":
    main()
