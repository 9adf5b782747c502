"""Merging two models beside copying their bytes and beside mergekit, in one run.

usage: merge_vs_mergekit.py [--rounds N] [--folder DIR] [--sizes small large]

The models are made: random f32 weights in the shapes of MiniLM (small, 91 MB) and of XLM-R base (large,
1.1 GB), one safetensors file each. Timed are, on the same disk and with the inputs in the page cache:

- ours: the whole command `clirbench merge --method uniform A B`, which also hashes both models' files,
  compares their tensors and flushes what it writes;
- copy: `cp` of both models, then fsync of the copies: the bytes that a merge reads, written;
- mergekit: its linear merge with equal weights, then fsync: the whole command as ours, and the merge alone,
  in a process that has imported it already.

The sides take turns; the median of the rounds counts. Peak memory is that of our worker process, from
the system, in a round of its own. At the end the merged weights of both are compared. Needs Linux, numpy, mergekit in this Python
(without it the comparison with the copy is still made), and `cargo build --release --workspace` first.
"""

import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SHAPES = {
    "small": {"vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536,
              "max_position_embeddings": 512, "type_vocab_size": 2, "model_type": "bert",
              "num_attention_heads": 12, "architectures": ["BertModel"]},
    "large": {"vocab_size": 250002, "hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072,
              "max_position_embeddings": 514, "type_vocab_size": 1, "model_type": "bert",
              "num_attention_heads": 12, "architectures": ["BertModel"]},
}
WANTED_COPY, WANTED_MERGEKIT, SPARE = 0.7, 3.0, 100 * 2**20

THEIRS = """
import json, os, sys, time
from mergekit.config import MergeConfiguration
from mergekit.merge import MergeOptions, run_merge
from mergekit.plan import LoaderCache, MergePlanner
plan = MergePlanner.plan_tensor
def plan_present(self, weight, weights_in, models, cfg_reader):
    # mergekit 0.1.5 fails where it asks whether an optional tensor is there.
    if weight.optional:
        there = [LoaderCache().get(model).index.tensor_paths for model in models]
        names = [(w.name, *(w.aliases or ())) for w in weights_in]
        if not any(name in paths for paths, of in zip(there, names) for name in of):
            return None
        weight = weight.model_copy(update={"optional": False})
    return plan(self, weight, weights_in, models, cfg_reader)
MergePlanner.plan_tensor = plan_present
one, two, out = sys.argv[1:4]
config = MergeConfiguration.model_validate({
    "merge_method": "linear", "dtype": "float32",
    "models": [{"model": model, "parameters": {"weight": 1.0}} for model in (one, two)],
})
options = MergeOptions(copy_tokenizer=False, write_model_card=False, quiet=True)
started = time.monotonic()
run_merge(config, out, options)
for name in os.listdir(out):
    with open(os.path.join(out, name), "rb+") as file:
        os.fsync(file.fileno())
print(json.dumps(time.monotonic() - started))
"""


def tensors(config):
    """Names and shapes of an encoder's weights."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {
        "embeddings.word_embeddings.weight": [config["vocab_size"], hidden],
        "embeddings.position_embeddings.weight": [config["max_position_embeddings"], hidden],
        "embeddings.token_type_embeddings.weight": [config["type_vocab_size"], hidden],
    }

    def norm(name):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = [hidden], [hidden]

    def linear(name, outputs, inputs):
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = [outputs, inputs], [outputs]

    norm("embeddings.LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        for name in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]:
            linear(f"{at}.{name}", hidden, hidden)
        linear(f"{at}.intermediate.dense", inner, hidden)
        linear(f"{at}.output.dense", hidden, inner)
        norm(f"{at}.attention.output.LayerNorm")
        norm(f"{at}.output.LayerNorm")
    linear("pooler.dense", hidden, hidden)
    return dict(sorted(shapes.items()))


def make(folder, config, seed):
    """A model directory of random weights; returns the bytes of its largest tensor."""
    os.makedirs(folder)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    shapes, header, end = tensors(config), {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        size = 4 * int(numpy.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    random = numpy.random.default_rng(seed)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in shapes.values():
            (0.02 * random.standard_normal(shape, dtype=numpy.float32)).tofile(file)
        file.flush()
        os.fsync(file.fileno())
    return 4 * max(int(numpy.prod(shape)) for shape in shapes.values())


def read(folder):
    """The weights of a directory, by name."""
    found = {}
    for path in glob.glob(os.path.join(folder, "*.safetensors")):
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        data = numpy.memmap(path, numpy.uint8, "r", 8 + length)
        for name, entry in header.items():
            if name != "__metadata__":
                start, stop = entry["data_offsets"]
                found[name] = data[start:stop].view(numpy.float32).reshape(entry["shape"])
    return found


def peak_of_children(pid):
    """The largest peak of resident memory of a process's children, in bytes (Linux)."""
    peak = 0
    for thread in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(thread, encoding="ascii") as file:
                children = file.read().split()
            for child in children:
                with open(f"/proc/{child}/status", encoding="ascii") as file:
                    peak = max([peak] + [int(l.split()[1]) * 1024 for l in file if l.startswith("VmHWM")])
        except (FileNotFoundError, ProcessLookupError):
            pass  # one of them has just ended
    return peak


def ours(one, two, out, store, watched=False):
    """Seconds of our merge; its peak memory instead where it is watched, which takes time of its own."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    program = os.path.join(target, "release", "clirbench")
    started = time.monotonic()
    process = subprocess.Popen([program, "merge", "--method", "uniform", one, two, "-o", out,
                                "--store", store, "--quiet"], stdout=subprocess.DEVNULL)
    peak = 0
    while watched and process.poll() is None:
        peak = max(peak, peak_of_children(process.pid))
        time.sleep(0.005)
    if process.wait():
        sys.exit("clirbench merge failed")
    return peak if watched else time.monotonic() - started


def copy(one, two, out):
    """Seconds to copy both and to flush the copies."""
    os.makedirs(out)
    started = time.monotonic()
    subprocess.run(["cp", "-r", "--reflink=never", one, two, out], check=True)
    for path in glob.glob(os.path.join(out, "*", "*")):
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
    return time.monotonic() - started


def theirs(one, two, out):
    """Seconds of mergekit's linear merge: of the whole command, and of the merge alone."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", THEIRS, one, two, out], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return time.monotonic() - started, json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where to put the models: a disk with 8 GB")
    parser.add_argument("--sizes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    options = parser.parse_args()
    has_mergekit = subprocess.run([sys.executable, "-c", "import mergekit"], stderr=subprocess.DEVNULL).returncode == 0
    print(f"load average {os.getloadavg()[0]:.2f}; mergekit: {'yes' if has_mergekit else 'not in this Python'}")
    failed = False
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            one, two = os.path.join(folder, "one"), os.path.join(folder, "two")
            largest = max(make(one, SHAPES[size], 1), make(two, SHAPES[size], 2))
            times = {"ours": [], "copy": [], "mergekit": [], "mergekit alone": []}
            merged, copied, kit, store = (
                os.path.join(folder, name) for name in ("merged", "copied", "kit", "store"))
            peak = ours(one, two, merged, store, watched=True)
            for _ in range(options.rounds):
                for path in (merged, copied, kit):
                    shutil.rmtree(path, ignore_errors=True)
                os.sync()
                times["ours"].append(ours(one, two, merged, store))
                times["copy"].append(copy(one, two, copied))
                if has_mergekit:
                    whole, alone = theirs(one, two, kit)
                    times["mergekit"].append(whole)
                    times["mergekit alone"].append(alone)
            median = {side: statistics.median(taken) for side, taken in times.items() if taken}
            megabytes = os.path.getsize(os.path.join(one, "model.safetensors")) / 1e6
            allowed = 3 * largest + SPARE
            print(f"{size}: two models of {megabytes:.0f} MB, " + ", ".join(f"{s} {t:.2f} s" for s, t in median.items()))
            print(f"  copy/ours {median['copy'] / median['ours']:.2f} (wanted {WANTED_COPY}); "
                  f"peak {peak / 2**20:.0f} MiB (allowed {allowed / 2**20:.0f})")
            failed |= median["copy"] / median["ours"] < WANTED_COPY or peak > allowed
            mine, first, second = read(merged), read(one), read(two)
            for name, weights in mine.items():
                expected = (first[name].astype(numpy.float64) + second[name]) / 2
                if numpy.abs(weights - expected).max() > 1e-8:
                    sys.exit(f"{name} is not the average")
            if has_mergekit:
                print(f"  mergekit/ours {median['mergekit'] / median['ours']:.2f} (wanted {WANTED_MERGEKIT}), "
                      f"alone {median['mergekit alone'] / median['ours']:.2f}")
                failed |= median["mergekit"] / median["ours"] < WANTED_MERGEKIT
                their = read(kit)
                for name in their.keys() & mine.keys():
                    if numpy.abs(mine[name] - their[name]).max() > 1e-6:
                        sys.exit(f"{name} differs from mergekit's")
                print(f"  {len(their.keys() & mine.keys())} of {len(mine)} tensors equal to mergekit's within 1e-6")
    sys.exit("slower or larger than wanted" if failed else 0)


if __name__ == "__main__":
    main()
