#!/usr/bin/env python3
"""Write what Hugging Face transformers says about prompts to a golden file.

How likely the tokens of a prompt are, each after those before it; and embeddings: the state after
the last norm of the first or last token or the mean of all, at length one. All computed in float32
from the stored weights. Of a folder with a tokenizer, embeddings of texts, otherwise of random ids.

A developer's script: no build or test runs it.
"""
import argparse
import random
from pathlib import Path

import torch
from reference import load_model, write_golden
from texts import TEXTS
from transformers import AutoTokenizer, PreTrainedModel

SCORED_LENGTHS = [1, 2, 17, 130]
EMBEDDED_LENGTHS = [1, 2, 7, 16, 17, 33, 63, 64, 130, 200]
TOP_COUNT = 3


@torch.no_grad()
def score_entry(model: PreTrainedModel, prompt: list[int]) -> dict:
    logits = model(torch.tensor([prompt]), use_cache=False).logits[0].double()
    log_probs = torch.log_softmax(logits, -1)[:-1]
    tops = [torch.topk(row, TOP_COUNT) for row in log_probs]
    return {
        "prompt": prompt,
        "logprobs": [round(float(row[token]), 6) for row, token in zip(log_probs, prompt[1:])],
        "top": [
            [[token, round(value, 6)] for token, value in zip(ids.tolist(), values.tolist())]
            for values, ids in tops
        ],
    }


@torch.no_grad()
def embeddings(model: PreTrainedModel, ids: list[int]) -> dict[str, list[float]]:
    states = model.model(torch.tensor([ids]), use_cache=False).last_hidden_state[0].double()
    pooled = {"cls": states[0], "last": states[-1], "mean": states.mean(0)}
    return {
        name: [round(float(x), 6) for x in torch.nn.functional.normalize(state, dim=0)]
        for name, state in pooled.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of the model")
    parser.add_argument("golden", type=Path, help="JSON file to write")
    parser.add_argument("--seed", type=int, default=1, help="of the random prompts")
    arguments = parser.parse_args()
    model = load_model(arguments.model, torch.float32)
    generator = random.Random(arguments.seed)
    ids = range(model.config.vocab_size)
    if (arguments.model / "tokenizer.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(arguments.model)
        texts = [text for text in TEXTS if text][: len(EMBEDDED_LENGTHS)]
        inputs = [{"text": text, "ids": tokenizer(text)["input_ids"]} for text in texts]
    else:
        inputs = [{"ids": generator.choices(ids, k=length)} for length in EMBEDDED_LENGTHS]
    write_golden(arguments.golden, {
        "scores": [
            score_entry(model, generator.choices(ids, k=length)) for length in SCORED_LENGTHS
        ],
        "embeddings": [entry | embeddings(model, entry["ids"]) for entry in inputs],
    })


if __name__ == "__main__":
    main()
