"""Makes golden.json: hidden states of tiny models with transformers (torch, float32, eager attention).

    python golden.py > golden.json

Weights are not stored: element i of a tensor is a hash of the tensor's name and i, so that the tests
make the same. Written with transformers 5 and torch 2.
"""

import json

import numpy
import torch
import transformers

SMALL = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": 11,
}
ROBERTA = SMALL | {"max_position_embeddings": 14, "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1}
MODERN = SMALL | {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "local_attention": 4,
    "pad_token_id": 0,
    "max_position_embeddings": 32,
}
# The two layouts of config.json: that of transformers 4 and that of 5.
OLDER = {"global_attn_every_n_layers": 2, "global_rope_theta": 500.0, "local_rope_theta": 50.0}
NEWER = {
    "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
    "rope_parameters": {
        "full_attention": {"rope_type": "default", "rope_theta": 1000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
    },
}
BERT = SMALL | {"max_position_embeddings": 12, "type_vocab_size": 2}
CASES = {
    "bert": BERT | {"model_type": "bert"},
    "bert, gelu_new": BERT | {"model_type": "bert", "hidden_act": "gelu_new", "num_hidden_layers": 1},
    "xlm-roberta": ROBERTA | {"model_type": "xlm-roberta"},
    "modernbert, older config": MODERN
    | OLDER
    | {"model_type": "modernbert", "norm_bias": True, "attention_bias": True, "mlp_bias": True},
    "modernbert, newer config": MODERN | NEWER | {"model_type": "modernbert"},
}


def element_hash(name, count):
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    h = (numpy.arange(count, dtype=numpy.uint64) * 2654435761 + seed) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 2246822519) & 0xFFFFFFFF
    return ((h ^ (h >> 13)) / 2**32).astype(numpy.float32) - numpy.float32(0.5)


def case(config):
    auto = transformers.AutoConfig.for_model(**config)
    options = {"add_pooling_layer": False} if config["model_type"] != "modernbert" else {}
    model = transformers.AutoModel.from_config(auto, attn_implementation="eager", **options).eval().float()
    shapes = {}
    for name, parameter in model.named_parameters():
        values = element_hash(name, parameter.numel())
        if "norm" in name.lower() and name.endswith("weight"):
            values = values + numpy.float32(1)
        parameter.data = torch.from_numpy(values).reshape(parameter.shape)
        shapes[name] = list(parameter.shape)
    pad = config.get("pad_token_id", 0)
    # A padding token inside a text counts for the attention mask, but not for the positions of RoBERTa.
    ids = [[2, 5, 9, 4, 7, 3, 10, 6, 8], [2, 8, pad, 4, pad, pad, pad, pad, pad]]
    mask = [[1] * 9, [1] * 4 + [0] * 5]
    types = [[0, 0, 0, 1, 1, 1, 1, 1, 1], [0] * 9]
    inputs = {"input_ids": ids, "attention_mask": mask}
    if config["model_type"] == "bert":
        inputs["token_type_ids"] = types
    with torch.no_grad():
        hidden = model(**{k: torch.tensor(v) for k, v in inputs.items()}).last_hidden_state
    rows = [[[round(float(x), 6) for x in token] for token in text[: sum(m)]] for text, m in zip(hidden, mask)]
    return {"config": config, "tensors": shapes, "inputs": inputs, "hidden": rows}


print(json.dumps({name: case(config) for name, config in CASES.items()}))
