"""Fine-tuning speed and memory of trainer-candle beside sentence-transformers, in one run.

usage: train_vs_sentence_transformers.py MODEL_DIR XQUAD_DIR [--threads N] [--rounds N]

MODEL_DIR is a sentence-transformers directory (MiniLM), which is fine-tuned in f32 and is its own
guide. The texts are paragraphs of XQuAD in several languages, all longer than 128 tokens and cut
there, two to a pair, 32 pairs a step, with the dropout of the model's config and AdamW on all
weights. Needs sentence-transformers in this Python, Linux, and `cargo build
--release --workspace` first.

What counts is the time of a step in steady state: ours from two fits of different length, so that
reading and writing the model drop out; theirs from the steps after the first. CachedGIST is given
ours with the guide's vectors in the store, as they are from the second epoch or recipe on; what the
guide costs once is printed beside it. Peak memory is that of the process that trains. The sides take
turns; the median of the rounds counts. That both sides compute the same loss is checked on the first
step, without dropout.
"""

import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PAIRS, TOKENS, SHORT, LONG = 32, 128, 2, 6
WANTED = {"infonce": 0.8, "gist": 1.2}
RECIPE = """
name = "bench"
seed = 1
[data]
[trainer]
plugin = "candle"
[trainer.options]
batch_size = {pairs}
learning_rate = 2e-5
warmup_ratio = 0.0
max_length = {tokens}
chunk_tokens = {chunk}
checkpoint_every = 100000
{dropout}
[loss]
plugin = "{loss}"
{guide}
"""


def texts(model, folder):
    """Distinct paragraphs that fill 128 tokens."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    found = []
    for language in ["en", "de", "es", "vi"]:
        with open(os.path.join(folder, f"xquad.{language}.json"), encoding="utf-8") as file:
            articles = json.load(file)["data"]
        found += [p["context"] for article in articles for p in article["paragraphs"]]
    found = [text for text in dict.fromkeys(found) if len(tokenizer(text)["input_ids"]) >= TOKENS]
    needed = 2 * PAIRS * LONG
    if len(found) < needed:
        sys.exit(f"{len(found)} texts of {TOKENS} tokens, {needed} are needed")
    return [(found[2 * i], found[2 * i + 1]) for i in range(PAIRS * LONG)]


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


class Ours:
    def __init__(self, model, pairs, threads, folder):
        self.model, self.pairs, self.threads, self.folder = os.path.abspath(model), pairs, threads, folder
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
        self.program = os.path.join(target, "release", "clirbench")
        self.store = os.path.join(folder, "store")
        self.attempt = 0

    def fit(self, loss, steps, dropout):
        """The fit's report, its peak memory in bytes and the seconds of everything before the fit."""
        self.attempt += 1
        recipe = os.path.join(self.folder, "recipe.toml")
        guide = f'[guide]\npath = "{self.model}"\nencoder = "candle"\noptions = {{ max_length = {TOKENS} }}'
        with open(recipe, "w", encoding="utf-8") as file:
            # Another seed each time: a fit that is in the store would not be run.
            text = RECIPE.replace("seed = 1", f"seed = {self.attempt}")
            file.write(text.format(pairs=PAIRS, tokens=TOKENS, chunk=2 * PAIRS * TOKENS, loss=loss,
                                   dropout="" if dropout else "dropout = 0.0",
                                   guide=guide if loss == "gist" else ""))
        data = os.path.join(self.folder, "rows.jsonl")
        with open(data, "w", encoding="utf-8") as file:
            for query, positive in self.pairs[: PAIRS * steps]:
                file.write(json.dumps({"query": query, "positive": positive}) + "\n")
        started = time.monotonic()
        process = subprocess.Popen(
            [self.program, "train", recipe, "--base", self.model, "--data", data, "--out",
             os.path.join(self.folder, "out"), "--store", self.store, "--threads", str(self.threads),
             "--json", "--quiet"],
            stdout=subprocess.PIPE, text=True,
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_of_children(process.pid))
            time.sleep(0.02)
        if process.returncode:
            sys.exit("clirbench train failed")
        report = json.loads(process.stdout.read())["report"]
        with open(os.path.join(self.folder, "out", "training.csv"), encoding="utf-8") as file:
            first = float(file.read().splitlines()[1].split(",")[2])
        return report["seconds"], peak, time.monotonic() - started - report["seconds"], first

    def step_seconds(self, loss):
        short, *_ = self.fit(loss, SHORT, True)
        long, peak, *_ = self.fit(loss, LONG, True)
        return (long - short) / (LONG - SHORT), peak


THEIRS = """
import json, resource, sys, time, torch
from sentence_transformers import SentenceTransformer, losses
model_dir, loss_name, steps, threads, dropout, data = sys.argv[1:7]
torch.set_num_threads(int(threads)); torch.manual_seed(1)
pairs = json.load(open(data, encoding="utf-8"))
model = SentenceTransformer(model_dir, device="cpu"); model.max_seq_length = {tokens}
if loss_name == "infonce":
    loss = losses.MultipleNegativesRankingLoss(model)
else:
    guide = SentenceTransformer(model_dir, device="cpu"); guide.max_seq_length = {tokens}
    loss = losses.CachedGISTEmbedLoss(model, guide, mini_batch_size={pairs})
named = list(model.named_parameters())
plain = [p for n, p in named if n.endswith("bias") or "LayerNorm" in n]
decayed = [p for n, p in named if not (n.endswith("bias") or "LayerNorm" in n)]
optimizer = torch.optim.AdamW([{{"params": decayed, "weight_decay": 0.01}}, {{"params": plain, "weight_decay": 0.0}}], lr=2e-5)
model.train() if dropout == "1" else model.eval()
times, first = [], None
tokenize = getattr(model, "preprocess", model.tokenize)
for step in range(int(steps)):
    batch = pairs[step * {pairs}:(step + 1) * {pairs}]
    started = time.monotonic()
    features = [tokenize([pair[column] for pair in batch]) for column in (0, 1)]
    value = loss(features, torch.zeros({pairs}))
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step(); optimizer.zero_grad()
    times.append(time.monotonic() - started)
    first = first if first is not None else float(value)
print(json.dumps({{"times": times, "first": first, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}}))
"""


class Theirs:
    def __init__(self, model, pairs, threads, folder):
        self.model, self.threads, self.folder = model, threads, folder
        self.data = os.path.join(folder, "pairs.json")
        with open(self.data, "w", encoding="utf-8") as file:
            json.dump(pairs, file)

    def fit(self, loss, steps, dropout):
        script = THEIRS.format(tokens=TOKENS, pairs=PAIRS)
        arguments = [self.model, loss, str(steps), str(self.threads), "1" if dropout else "0", self.data]
        output = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True,
                                env={**os.environ, "OMP_NUM_THREADS": str(self.threads)})
        if output.returncode:
            sys.exit(output.stderr)
        return json.loads(output.stdout.splitlines()[-1])

    def step_seconds(self, loss):
        result = self.fit(loss, LONG, True)
        return statistics.median(result["times"][1:]), result["peak"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("xquad")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    load = lambda: " ".join(f"{x:.1f}" for x in os.getloadavg())
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        pairs = texts(options.model, options.xquad)
        ours = Ours(options.model, pairs, options.threads, folder)
        theirs = Theirs(options.model, pairs, options.threads, folder)
        print(f"{PAIRS} pairs x {TOKENS} tokens, {options.threads} threads, f32; load average {load()}")
        for loss in WANTED:
            # Batches hold the same rows in another order, which changes no loss.
            *_, before, mine = ours.fit(loss, 1, False)
            reference = theirs.fit(loss, 1, False)["first"]
            if abs(mine - reference) > 1e-3 * max(abs(reference), 1e-3):
                sys.exit(f"{loss}: the first step's loss is {mine} here, {reference} there")
            rounds = []
            for _ in range(options.rounds):
                rounds.append((ours.step_seconds(loss), theirs.step_seconds(loss)))
            mine = statistics.median(r[0][0] for r in rounds)
            other = statistics.median(r[1][0] for r in rounds)
            peaks = [max(r[side][1] for r in rounds) / 2**20 for side in (0, 1)]
            ratio = other / mine
            print(f"{loss:8} ours {PAIRS / mine:6.2f} pairs/s, sentence-transformers {PAIRS / other:6.2f} pairs/s, "
                  f"ratio {ratio:.2f} (wanted {WANTED[loss]}; rounds "
                  f"{', '.join(f'{r[1][0] / r[0][0]:.2f}' for r in rounds)}); "
                  f"peak {peaks[0]:.0f} MiB, theirs {peaks[1]:.0f} MiB; load average {load()}")
            if loss == "gist":
                print(f"         the first fit, its guide's texts included, took {before:.1f} s besides training")
            failed |= ratio < WANTED[loss] or peaks[0] > peaks[1]
    sys.exit(failed)


if __name__ == "__main__":
    main()
