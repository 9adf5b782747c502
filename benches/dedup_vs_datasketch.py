"""Near duplicates among short texts: `clirbench dedup` against datasketch's MinHashLSH.

    pip install datasketch
    python benches/dedup_vs_datasketch.py [--texts 100000] [--permutations 128] [--repeats 3]

Texts are sentences of 8 to 20 words, drawn by frequency from a made-up vocabulary; one in ten is a
copy of an earlier one with some of its words replaced, so similarities of near duplicates spread from
0.5 to 1. Both sides do the same work with the same permutations, bands and rows: sets of character
5-grams of each text, its signature, a lookup among the texts that stayed, and the exact Jaccard
similarity of each candidate; a text stays where none reaches the threshold. Timed here is the whole
command with its files, on all cores; timed there is the loop over texts that are in memory, which
datasketch runs on one core, so the CPU time is printed too. datasketch gets its 5-grams in batches
(`MinHash.bulk`), with its default hash.

Truth is every earlier text of at least the threshold's similarity, found through an index of all
5-grams, among the first 20,000 texts: what becomes of a text depends on those before it alone.
Precision is 1 on both sides, as candidates are verified; recall is the share of true duplicates of
kept texts that were left out, which the parameters predict.
"""

import argparse
import collections
import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

from datasketch import MinHash, MinHashLSH

TARGET = 2.0
ROOT = pathlib.Path(__file__).resolve().parent.parent
THRESHOLD, SHINGLE = 0.8, 5
CHECKED = 20_000


def sentences(count, seed=1):
    """Distinct enough sentences, a tenth of them edited copies."""
    rng = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(20_000)]
    weights = [1 / (rank + 10) for rank in range(len(words))]
    texts = []
    for at in range(count):
        if at > 100 and rng.random() < 0.1:
            copy = texts[rng.randrange(at)].split()
            for _ in range(rng.randint(0, 3)):
                copy[rng.randrange(len(copy))] = rng.choice(words)
            texts.append(" ".join(copy))
        else:
            texts.append(" ".join(rng.choices(words, weights, k=rng.randint(8, 20))))
    return texts


def shingles(text):
    return {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}


def jaccard(a, b):
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def theirs(texts, permutations, bands, rows):
    """Places of the texts that are left out."""
    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=permutations, params=(bands, rows))
    kept, dropped = {}, set()
    for start in range(0, len(texts), 10_000):
        batch = [shingles(text) for text in texts[start : start + 10_000]]
        encoded = [[s.encode() for s in group] for group in batch]
        for at, (group, minhash) in enumerate(zip(batch, MinHash.bulk(encoded, num_perm=permutations)), start):
            if any(jaccard(group, kept[other]) >= THRESHOLD for other in lsh.query(minhash)):
                dropped.add(at)
            else:
                lsh.insert(at, minhash)
                kept[at] = group
    return dropped


def ours(program, folder, permutations):
    """Places of the texts that are left out, and what the program says of its parameters."""
    command = [program, "--json", "dedup", "rows.jsonl", "--out", "kept.jsonl", "--report", "dropped.jsonl"]
    command += ["--permutations", str(permutations), "--threshold", str(THRESHOLD)]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    lines = (folder / "dropped.jsonl").read_text().splitlines()
    return {json.loads(line)["line"] - 1 for line in lines}, json.loads(done.stdout)


def recall(texts, dropped):
    """Of the texts with a near duplicate among the kept ones before them, the share that was left out."""
    groups = [shingles(text) for text in texts[:CHECKED]]
    frequency = collections.Counter(s for group in groups for s in group)
    holders = collections.defaultdict(list)
    duplicates = found = 0
    for at, group in enumerate(groups):
        # Similar sets share one of the rarest elements; see harness/clirbench-curation/src/overlap.rs.
        rare = sorted(group, key=lambda s: (frequency[s], s))[: len(group) - int(THRESHOLD * len(group) + 1 - 1e-9) + 1]
        candidates = {other for s in rare for other in holders[s]}
        if any(jaccard(group, groups[other]) >= THRESHOLD for other in candidates):
            duplicates += 1
            found += at in dropped
        if at not in dropped:
            for s in rare:
                holders[s].append(at)
    wrong = sum(at < CHECKED for at in dropped) - found
    return found / duplicates, wrong


def best(repeats, work):
    """The result, and the fewest wall and CPU seconds of it and its children."""

    def cpu():
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    wall_best = cpu_best = float("inf")
    for _ in range(repeats):
        wall, used = time.perf_counter(), cpu()
        result = work()
        wall_best = min(wall_best, time.perf_counter() - wall)
        cpu_best = min(cpu_best, cpu() - used)
    return result, wall_best, cpu_best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--permutations", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--program", default=str(ROOT / "target/release/clirbench"))
    options = parser.parse_args()

    texts = sentences(options.texts)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with (folder / "rows.jsonl").open("w") as out:
            out.writelines(json.dumps({"query": text, "positive": "-"}) + "\n" for text in texts)
        program = str(pathlib.Path(options.program).resolve())
        (mine, said), wall, cpu = best(options.repeats, lambda: ours(program, folder, options.permutations))
    bands, rows = said["bands"], said["rows_per_band"]
    peer, peer_wall, peer_cpu = best(options.repeats, lambda: theirs(texts, options.permutations, bands, rows))

    print(f"{options.texts} texts, {options.permutations} permutations, {bands} bands of {rows}, load {load()}")
    for side, dropped, seconds, used in [("datasketch", peer, peer_wall, peer_cpu), ("clirbench", mine, wall, cpu)]:
        share, wrong = recall(texts, dropped)
        print(f"{side:11} {seconds:7.2f} s  CPU {used:7.2f} s  left out {len(dropped)}, recall {share:.4f}", flush=True)
        if wrong:
            sys.exit(f"{side} left out {wrong} texts that are no duplicates")
        if share < said["recall_at_threshold"]:
            sys.exit(f"{side}: below {said['recall_at_threshold']:.3f}, the recall at the threshold itself")
    print(f"{peer_wall / wall:.1f}x in time, {peer_cpu / cpu:.1f}x in CPU time (target {TARGET:.0f}x)")
    if peer_cpu / cpu < TARGET:
        sys.exit(f"below the target of {TARGET:.0f}x")


def load():
    return pathlib.Path("/proc/loadavg").read_text().split()[0]


if __name__ == "__main__":
    main()
