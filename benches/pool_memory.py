"""Peak memory of a search as the pool in the store grows.

    python benches/pool_memory.py [--sizes 100000 300000 1000000] [--dim 384] [--threads 2] [--folder DIR]

For each size the Rust example `pool_memory` commits made-up vectors into a store, in the shards and
files of real ones; then, in a process of its own so that the peak is the search's, it opens the store
as a score job does and searches 100 queries for their top 100 and the rank of one relevant document
each. The peak is the process's highest resident memory as Linux counts it, mapped files included.

A pool's vectors must not stay in memory: between the smallest and the largest pool the peak may grow
by a twentieth of what the vectors grow by. What does grow is the index, a few bytes per document:
which text is in which row and its token counts, and the pool's rows and tie order. "index" is what is
resident before the search, "search" what the search adds to it. DIR (default: the temporary folder)
needs 4 bytes per value, 1.5 GB for 1,000,000 x 384.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALLOWED = 1 / 20
MIB = 1 << 20


def build():
    command = ["cargo", "build", "--release", "--quiet", "-p", "clirbench-jobs", "--example", "pool_memory"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "examples" / "pool_memory"


def measure(program, size, args):
    """The report of one search over a store of `size` documents."""
    with tempfile.TemporaryDirectory(dir=args.folder) as store:
        subprocess.run([program, "make", store, str(size), str(args.dim)], check=True)
        search = [program, "search", store, str(size), str(args.threads)]
        return json.loads(subprocess.run(search, check=True, stdout=subprocess.PIPE).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path)
    args = parser.parse_args()

    program = build()
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"100 queries, top 100, dim {args.dim}, {args.threads} threads; load average {load}")
    print(f"{'documents':>10} {'vectors MiB':>12} {'peak MiB':>9} {'index MiB':>10} {'search MiB':>11} {'open s':>7} {'search s':>9}")
    peaks = []
    for size in args.sizes:
        report = measure(program, size, args)
        peaks.append(report["peak_kib"] * 1024)
        index = report["index_kib"] * 1024
        print(
            f"{size:10} {size * args.dim * 4 / MIB:12.0f} {peaks[-1] / MIB:9.1f} {index / MIB:10.1f} "
            f"{(peaks[-1] - index) / MIB:11.1f} {report['open_seconds']:7.2f} {report['search_seconds']:9.2f}",
            flush=True,
        )
    documents = args.sizes[-1] - args.sizes[0]
    if documents <= 0:
        sys.exit("the sizes have to grow")
    per_document = (peaks[-1] - peaks[0]) / documents
    print(
        f"{args.sizes[-1] / args.sizes[0]:.0f} times the documents: {peaks[-1] / peaks[0]:.2f} times the peak, "
        f"{per_document:.0f} bytes per further document, whose vector has {args.dim * 4}"
    )
    if per_document > ALLOWED * args.dim * 4:
        sys.exit("the vectors stay in memory")


if __name__ == "__main__":
    main()
