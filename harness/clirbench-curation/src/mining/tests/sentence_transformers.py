"""Writes sentence_transformers.json: what `mine_hard_negatives` chooses on vectors whose dot products are exact.

    pip install sentence-transformers datasets
    python sentence_transformers.py

The vectors are multiples of 1/256, so every dot product is exact in f32 and no rounding decides; no two
documents tie for a query. Written with sentence-transformers 6.2.0.
"""

import json
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers.util import mine_hard_negatives

DIM = 6
rng = random.Random(15)


def vector(center=None):
    noise = [rng.randrange(-128, 129) for _ in range(DIM)]
    return noise if center is None else [(a + b // 2) for a, b in zip(center, noise)]


# Rows 20 to 23 repeat queries, with other positives; row 24 repeats a positive.
centers = [vector() for _ in range(20)]
queries = {f"q{i}": vector(center) for i, center in enumerate(centers)}
passages = {f"p{i}": vector(center) for i, center in enumerate(centers)}
rows = [[f"q{i}", f"p{i}"] for i in range(20)]
for i, query in [(20, 3), (21, 3), (22, 7), (23, 11)]:
    passages[f"p{i}"] = vector(centers[query])
    rows.append([f"q{query}", f"p{i}"])
queries["q20"] = vector(centers[5])
rows.append(["q20", "p5"])
corpus = {f"c{i}": vector(rng.choice(centers)) for i in range(36)}

exact = {name: np.array(v, dtype=np.float32) / 256 for name, v in (queries | passages | corpus).items()}
for query in queries:
    scores = [float(exact[query] @ exact[document]) for document in passages | corpus]
    assert len(set(scores)) == len(scores), f"{query}: documents tie"


class Model:
    device = torch.device("cpu")

    def encode(self, texts, **_):
        return np.stack([exact[text] for text in texts])

    encode_query = encode_document = encode

    def similarity(self, a, b):
        return torch.as_tensor(a) @ torch.as_tensor(b).T

    def similarity_pairwise(self, a, b):
        return (torch.as_tensor(a) * torch.as_tensor(b)).sum(1)


def difference(query, document):
    positive = next(p for q, p in rows if q == query)
    return float(exact[query] @ exact[positive] - exact[query] @ exact[document])


# A margin that one candidate meets exactly: it survives.
ranked = sorted(passages | corpus, key=lambda document: -float(exact["q0"] @ exact[document]))
exactly = difference("q0", ranked[6])
assert exactly > 0

OPTIONS = [
    dict(range_min=0, range_max=10, num_negatives=3),
    dict(range_min=4, range_max=20, num_negatives=5),
    dict(range_min=0, range_max=30, num_negatives=4, max_score=0.2),
    dict(range_min=2, range_max=40, num_negatives=6, relative_margin=0.25),
    dict(range_min=0, range_max=25, num_negatives=4, absolute_margin=exactly),
    dict(range_min=3, range_max=12, num_negatives=4, max_score=0.25, relative_margin=0.05),
    dict(range_min=1, range_max=59, num_negatives=8, min_score=-0.05, absolute_margin=0.0625),
    dict(range_min=0, range_max=200, num_negatives=7, max_score=0.3, min_score=0.0, relative_margin=0.1),
]

cases = []
for options in OPTIONS:
    dataset = Dataset.from_dict({"query": [q for q, _ in rows], "positive": [p for _, p in rows]})
    mined = mine_hard_negatives(
        dataset, Model(), corpus=list(corpus), output_format="triplet", verbose=False, **options
    )
    negatives = defaultdict(list)
    for row in mined:
        negatives[row["query"], row["positive"]].append(row["negative"])
    cases.append({"options": options, "negatives": [negatives[q, p] for q, p in rows]})

as_json = {
    "rows": rows,
    "corpus": list(corpus),
    "vectors": {name: v for name, v in (queries | passages | corpus).items()},
    "cases": cases,
}
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(as_json, separators=(",", ":")) + "\n")
print(path, [sum(map(len, case["negatives"])) for case in cases])
