"""Encoding speed of encoder-onnx beside its peers, in one run on one machine.

usage: encode_vs_peers.py MODEL_DIR XQUAD_EN_JSON [--threads N] [--rounds N] [--only NAME ...]

MODEL_DIR is a sentence-transformers directory with onnx/model.onnx and onnx/model_int8.onnx, as
../shared/tools/minilm.sh makes it. The texts are the paragraphs and the questions of XQuAD English.
Needs sentence-transformers[onnx], onnxruntime and tokenizers in this Python, cargo on the PATH, and
ORT_DYLIB_PATH, for which the library of the same onnxruntime version is fair.

Every side gets the same texts and the same number of threads, tokenizes them itself and returns one
normalised vector per text; loading the model and one warm-up pass are left out. The sides take
turns, so that a busy machine disturbs all alike; the median of the rounds counts. Vectors of all
sides are compared first: a fast side that computes something else would be found out.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("xquad")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of sides, for a closer look")
    return parser.parse_args()


class Ours:
    """The plugin, in a Rust program that encodes the file again for every line on its input."""

    def __init__(self, model, variant, threads, texts):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
        build = ["cargo", "build", "--release", "-q", "-p", "encoder-onnx", "--example", "encode_bench"]
        subprocess.run(build, cwd=root, check=True)
        target = os.environ.get("CARGO_TARGET_DIR", os.path.join(root, "target"))
        program = os.path.join(target, "release", "examples", "encode_bench")
        self.folder = tempfile.TemporaryDirectory()
        file = os.path.join(self.folder.name, "texts.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(texts, out)
        self.vectors = os.path.join(self.folder.name, "vectors.f32")
        self.process = subprocess.Popen(
            [program, model, variant, str(threads), file, self.vectors],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit("encode_bench did not start; see its message above")

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def first(self):
        return np.fromfile(self.vectors, dtype="<f4")


class OnnxRuntime:
    """onnxruntime in Python as one would write it by hand: sorted by length, batches of 32."""

    def __init__(self, model, variant, threads, texts):
        import onnxruntime
        from tokenizers import Tokenizer

        self.texts = texts
        self.tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
        self.tokenizer.no_padding()
        with open(os.path.join(model, "sentence_bert_config.json"), encoding="utf-8") as file:
            self.tokenizer.enable_truncation(json.load(file)["max_seq_length"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        name = {"fp32": "model.onnx", "int8": "model_int8.onnx"}[variant]
        self.session = onnxruntime.InferenceSession(
            os.path.join(model, "onnx", name), options, providers=["CPUExecutionProvider"]
        )
        self.result = self.encode()

    def encode(self):
        encodings = self.tokenizer.encode_batch(self.texts)
        order = sorted(range(len(encodings)), key=lambda i: -len(encodings[i].ids))
        vectors = None
        for start in range(0, len(order), 32):
            rows = order[start:start + 32]
            width = len(encodings[rows[0]].ids)
            ids = np.zeros((len(rows), width), np.int64)
            mask = np.zeros((len(rows), width), np.int64)
            for i, row in enumerate(rows):
                n = len(encodings[row].ids)
                ids[i, :n] = encodings[row].ids
                mask[i, :n] = 1
            feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            tokens = self.session.run(["last_hidden_state"], feeds)[0]
            weights = mask[:, :, None].astype(np.float32)
            pooled = (tokens * weights).sum(1) / weights.sum(1)
            pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
            if vectors is None:
                vectors = np.zeros((len(order), pooled.shape[1]), np.float32)
            vectors[rows] = pooled
        return vectors

    def run(self):
        start = time.perf_counter()
        self.encode()
        return time.perf_counter() - start

    def first(self):
        return self.result[0]


class SentenceTransformers:
    """sentence-transformers with its defaults (it sorts by length too)."""

    def __init__(self, model, backend, threads, texts):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        options = {}
        if backend == "onnx":
            import onnxruntime

            session = onnxruntime.SessionOptions()
            session.intra_op_num_threads = threads
            options = {
                "provider": "CPUExecutionProvider", "file_name": "onnx/model.onnx", "session_options": session,
            }
        self.model = SentenceTransformer(model, backend=backend, device="cpu", model_kwargs=options)
        self.texts = texts
        self.result = self.encode()

    def encode(self):
        return self.model.encode(self.texts, normalize_embeddings=True)

    def run(self):
        start = time.perf_counter()
        self.encode()
        return time.perf_counter() - start

    def first(self):
        return self.result[0]


SIDES = {
    "ours fp32": (Ours, "fp32"),
    "onnxruntime fp32": (OnnxRuntime, "fp32"),
    "sentence-transformers torch fp32": (SentenceTransformers, "torch"),
    "sentence-transformers onnx fp32": (SentenceTransformers, "onnx"),
    "ours int8": (Ours, "int8"),
    "onnxruntime int8": (OnnxRuntime, "int8"),
}
# What is compared, and the ratio that is wanted.
RATIOS = [
    ("ours fp32", "onnxruntime fp32", 1.0),
    ("ours fp32", "sentence-transformers torch fp32", 1.15),
    ("ours fp32", "sentence-transformers onnx fp32", 1.15),
    ("ours int8", "onnxruntime int8", 1.0),
]


def main():
    args = arguments()
    with open(args.xquad, encoding="utf-8") as file:
        articles = json.load(file)["data"]
    paragraphs = [p["context"] for a in articles for p in a["paragraphs"]]
    questions = [q["question"] for a in articles for p in a["paragraphs"] for q in p["qas"]]
    print(f"{len(paragraphs)} paragraphs, {len(questions)} questions, {args.threads} threads, "
          f"median of {args.rounds} rounds; load {os.getloadavg()[0]:.1f} at the start")
    names = args.only or list(SIDES)
    total = {name: 0.0 for name in names}
    for kind, texts in (("paragraphs", paragraphs), ("questions", questions)):
        sides = {name: SIDES[name][0](args.model, SIDES[name][1], args.threads, texts) for name in names}
        reference = sides[names[0]].first()
        for name, side in sides.items():
            cosine = float(reference @ side.first())
            assert cosine > (0.9 if "int8" in name else 0.9999), f"{name}: cosine {cosine} to {names[0]}"
        seconds = {name: [] for name in names}
        for _ in range(args.rounds):
            for name, side in sides.items():
                seconds[name].append(side.run())
        median = {name: statistics.median(values) for name, values in seconds.items()}
        report(kind, median, len(texts))
        for name in names:
            total[name] += median[name]
    report("all texts", total, len(paragraphs) + len(questions))
    print(f"load {os.getloadavg()[0]:.1f} at the end")


def report(kind, seconds, texts):
    print(f"\n{kind}")
    for name, value in seconds.items():
        print(f"  {name:34} {texts / value:8.1f} texts/s")
    for ours, peer, wanted in RATIOS:
        if ours in seconds and peer in seconds:
            ratio = seconds[peer] / seconds[ours]
            print(f"  {ours} / {peer}: {ratio:.2f} (wanted: at least {wanted})")


if __name__ == "__main__":
    main()
