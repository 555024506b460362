#!/usr/bin/env python3
"""Write what Hugging Face transformers says about a tiny model folder to a golden file.

Token ids of hard strings, decoded ids, chat templates, greedy continuations with margins, and the
full logits after one prompt. Of a folder without a tokenizer, the last two. All computed in float32
from the stored weights.

Prompts are random ids, chosen: of many candidates of a length, the one whose greedy steps all have
a winner that lower precision cannot overturn, and among those the one with most distinct tokens.

A developer's script: no build or test runs it.
"""
import argparse
import random
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from reference import (
    chat_entry, forced_log_probs, greedy_steps, last_logits, load_model, low_precision_report,
    margin_report, outgrows, stretches, top_differences, write_golden,
)
from texts import CONVERSATION_OUT_OF_TURN, CONVERSATIONS, TEXTS
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

PROMPT_LENGTHS = [1, 2, 7, 16, 17, 63, 130, 200]
PROBE_LENGTH = 17
MARGIN_LIMIT = 0.1  # what tests rely on
MARGIN_WANTED = 0.2  # what a chosen prompt has at every step, if there is one
# Where a window ends shows in few positions: the reference's limit counts, which is 0.001.
TELLING_WINDOW = 0.005
TELLING = 0.2  # change of a log-probability that a mistake must cause: four times tests' limit
BATCH = 128  # candidates run together


def text_entries(tokenizer: PreTrainedTokenizerBase) -> list[dict]:
    entries = []
    for text in TEXTS:
        plain_ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        entries.append({
            "text": text,
            "ids": tokenizer(text)["input_ids"],
            "ids_no_special": plain_ids,
            "decoded": tokenizer.decode(plain_ids),
        })
    return entries


def decode_entries(tokenizer: PreTrainedTokenizerBase, generator: random.Random) -> list[dict]:
    """Decoded text of random ids: broken UTF-8, lone bytes, special tokens in the middle."""
    ids = range(len(tokenizer))
    added = list(tokenizer.added_tokens_decoder)
    sequences = [generator.choices(ids, k=24) for _ in range(5)]
    sequences += [generator.choices(ids, k=8) + added + generator.choices(ids, k=8), added * 2]
    texts = [text for text in TEXTS if any(ord(letter) > 0x7FF for letter in text)]
    for text in generator.sample(texts, 8):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        start = generator.randrange(min(4, len(ids)))
        sequences.append(ids[start : len(ids) - generator.randrange(1, 3)])
    return [
        {
            "ids": ids,
            "text": tokenizer.decode(ids),
            "text_skip_special": tokenizer.decode(ids, skip_special_tokens=True),
        }
        for ids in sequences
    ]


@torch.no_grad()
def rank_prompts(
    model: PreTrainedModel, prompts: list[list[int]], count: int
) -> list[tuple[float, int]]:
    """For each prompt the smallest margin of its greedy steps, capped, and the distinct tokens."""
    smallest = torch.full((len(prompts),), MARGIN_WANTED)
    chosen: list[torch.Tensor] = []
    cache, tokens = None, torch.tensor(prompts)
    everything = tokens
    for _ in range(count):
        output = model(tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        top = torch.topk(output.logits[:, -1], 2)
        smallest = torch.minimum(smallest, top.values[:, 0] - top.values[:, 1])
        cache, tokens = output.past_key_values, top.indices[:, :1]
        chosen.append(tokens)
        everything = torch.cat([everything, tokens], dim=1)
        if outgrows(model, everything.shape[1]):
            cache, tokens = None, everything
    distinct = [len(set(row)) for row in torch.cat(chosen, dim=1).tolist()]
    return list(zip(smallest.tolist(), distinct))


def choose_prompt(model: PreTrainedModel, candidates: list[list[int]], count: int) -> list[int]:
    ranks: list[tuple[float, int]] = []
    for start in range(0, len(candidates), BATCH):
        ranks += rank_prompts(model, candidates[start : start + BATCH], count)
    return candidates[max(range(len(candidates)), key=ranks.__getitem__)]


def greedy_entries(
    model: PreTrainedModel, lengths: list[int], arguments: argparse.Namespace, plain_ids: list[int]
) -> list[dict]:
    generator = random.Random(arguments.seed)
    entries = []
    for length in lengths:
        candidates = [
            generator.choices(plain_ids, k=length) for _ in range(arguments.candidates)
        ]
        prompt = choose_prompt(model, candidates, arguments.new)
        entries.append({"prompt": prompt, "steps": greedy_steps(model, prompt, arguments.new)})
    return entries


def windows_changed(folder: Path, tokens: int | None) -> PreTrainedModel:
    """The model with another window in the layers that have one; with none."""
    model = load_model(folder, torch.float32)
    if tokens is None and hasattr(model.config, "layer_types"):
        model.config.layer_types = ["full_attention"] * model.config.num_hidden_layers
        model.model.has_sliding_layers = False
    else:
        model.config.sliding_window = tokens
    return model


def without(folder: Path, kind: str, value: float) -> PreTrainedModel:
    """The model with all tensors of one kind overwritten."""
    model = load_model(folder, torch.float32)
    for name, tensor in model.named_parameters():
        if kind in name:
            tensor.data.fill_(value)
    return model


def experts_changed(folder: Path, change: Callable[[torch.nn.Module], None]) -> PreTrainedModel:
    """The model with something changed in the feed-forward of every layer."""
    model = load_model(folder, torch.float32)
    for layer in model.model.layers:
        change(layer.mlp)
    return model


def take_more(experts: torch.nn.Module, more: int) -> None:
    experts.gate.top_k += more


def reverse_experts(experts: torch.nn.Module) -> None:
    for matrices in (experts.experts.gate_up_proj, experts.experts.down_proj):
        matrices.data = matrices.data.flip(0)


def swap_gate_and_up(experts: torch.nn.Module) -> None:
    both = experts.experts.gate_up_proj.data
    experts.experts.gate_up_proj.data = torch.cat(both.chunk(2, dim=1)[::-1], dim=1)


def leave_unscaled(experts: torch.nn.Module) -> None:
    """The weights of a token's experts are their probabilities among all experts."""
    def unscaled(module: torch.nn.Module, inputs: tuple, output: tuple) -> tuple:
        logits, _, chosen = output
        return logits, torch.softmax(logits.float(), -1).gather(-1, chosen), chosen

    experts.gate.register_forward_hook(unscaled)


def wrong_experts(folder: Path) -> dict[str, PreTrainedModel]:
    changes = {
        "one expert more": lambda experts: take_more(experts, 1),
        "one expert less": lambda experts: take_more(experts, -1),
        "experts in reverse": reverse_experts,
        "gate and up swapped": swap_gate_and_up,
        "weights unscaled": leave_unscaled,
    }
    return {name: experts_changed(folder, change) for name, change in changes.items()}


def wrong_gemmas(folder: Path) -> dict[str, PreTrainedModel]:
    """What Gemma 2 has and others have not, forgotten one by one."""
    names = (
        "no cap of scores", "no cap of logits", "no norms behind layers", "no offset of norms",
        "no scale of embeddings", "scale of queries from head_dim", "gate by silu",
    )
    models = {name: load_model(folder, torch.float32) for name in names}
    for layer in models["no cap of scores"].model.layers:
        layer.self_attn.attn_logit_softcapping = None
    models["no cap of logits"].config.final_logit_softcapping = None
    for layer in models["no norms behind layers"].model.layers:
        layer.post_attention_layernorm = torch.nn.Identity()
        layer.post_feedforward_layernorm = torch.nn.Identity()
    for name, tensor in models["no offset of norms"].named_parameters():
        if "norm" in name:
            tensor.data -= 1.0
    models["no scale of embeddings"].model.embed_tokens.embed_scale.fill_(1.0)
    for layer in models["scale of queries from head_dim"].model.layers:
        layer.self_attn.scaling = layer.self_attn.head_dim**-0.5
    for layer in models["gate by silu"].model.layers:
        layer.mlp.act_fn = torch.nn.SiLU()
    return models


def wrong_models(folder: Path) -> dict[str, PreTrainedModel]:
    """The model with mistakes that an implementation might make."""
    model = load_model(folder, torch.float32)
    right = model.config.rope_parameters
    theta = right["rope_theta"]
    window = getattr(model.config, "sliding_window", None)
    # Angles differ little within a window, and count less where embeddings have much in common.
    alike = window is not None or hasattr(model.config, "num_experts_per_tok")
    theta_factor = 3.0 if alike else 1.1
    for layer in model.model.layers:
        for tensor in layer.self_attn.o_proj.parameters():
            tensor.data.zero_()
    models = {
        "no attention": model,
        f"rope_theta times {theta_factor}": load_model(
            folder, torch.float32, {**right, "rope_theta": theta_factor * theta}
        ),
    }
    if right["rope_type"] != "default":
        unscaled = {"rope_type": "default", "rope_theta": theta}
        models["no rope scaling"] = load_model(folder, torch.float32, unscaled)
    names = [name for name, _ in model.named_parameters()]
    if any("_proj.bias" in name for name in names):
        models["no biases"] = without(folder, "_proj.bias", 0.0)
    if any("q_norm" in name for name in names):
        models["no weights of the queries' norm"] = without(folder, "q_norm", 1.0)
    if hasattr(model.config, "num_experts_per_tok"):
        models |= wrong_experts(folder)
    if stretches(model):
        short = {**right, "long_factor": right["short_factor"]}
        models["short factors for all"] = load_model(folder, torch.float32, short)
        unscaled = {**right, "attention_factor": 1.0}
        models["no attention factor"] = load_model(folder, torch.float32, unscaled)
    if hasattr(model.config, "attn_logit_softcapping"):
        models |= wrong_gemmas(folder)
    if window is not None:
        models["no window"] = windows_changed(folder, None)
        models["window one longer"] = windows_changed(folder, window + 1)
        models["window one shorter"] = windows_changed(folder, window - 1)
    return models


def sensitivity_report(folder: Path, run: dict) -> str:
    """How far mistakes move log-probabilities after a prompt; fails if one could pass a test."""
    lines = []
    for mistake, model in wrong_models(folder).items():
        log_probs = forced_log_probs(model, run)
        differences = top_differences(log_probs, run)
        winners = log_probs.argmax(-1).tolist()
        same = sum(winner == step["id"] for winner, step in zip(winners, run["steps"]))
        lines.append(
            f"{mistake}, prompt of {len(run['prompt'])}: differences up to"
            f" {max(differences):.3f}, median {statistics.median(differences):.3f};"
            f" {same} of {len(run['steps'])} winners are the same"
        )
        if max(differences) < (TELLING_WINDOW if "window one" in mistake else TELLING):
            raise SystemExit(f"{lines[-1]}: too few; choose another seed")
    return "\n".join(lines)


def text_sections(tokenizer: PreTrainedTokenizerBase, seed: int) -> dict[str, object]:
    return {
        "tokenizer": text_entries(tokenizer),
        "decode": decode_entries(tokenizer, random.Random(seed)),
        "chat": [
            chat_entry(tokenizer, messages)
            for messages in [*CONVERSATIONS, CONVERSATION_OUT_OF_TURN]
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--new", type=int, default=24, help="tokens to generate for each prompt")
    parser.add_argument("--seed", type=int, default=1, help="of the random prompts")
    parser.add_argument("--candidates", type=int, default=1024, help="prompts tried a length")
    parser.add_argument("--long", type=int, nargs="*", default=[], help="more prompt lengths")
    arguments = parser.parse_args()
    model = load_model(arguments.model, torch.float32)
    special = {model.config.bos_token_id, model.config.eos_token_id}
    golden: dict[str, object] = {}
    if (arguments.model / "tokenizer.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(arguments.model)
        special = set(tokenizer.added_tokens_decoder)
        golden = text_sections(tokenizer, arguments.seed)
    plain_ids = sorted(set(range(model.config.vocab_size)) - special)
    runs = greedy_entries(model, PROMPT_LENGTHS + arguments.long, arguments, plain_ids)
    probe = next(run["prompt"] for run in runs if len(run["prompt"]) == PROBE_LENGTH)
    golden["greedy"] = runs
    golden["logits_probe"] = {
        "prompt": probe,
        "logits": [round(value, 5) for value in last_logits(model, [probe])[0].tolist()],
    }
    write_golden(arguments.output, golden)
    print(arguments.output, arguments.output.stat().st_size, "bytes")
    print(margin_report(runs, MARGIN_LIMIT))
    print(low_precision_report(arguments.model, runs, MARGIN_LIMIT))
    print(sensitivity_report(arguments.model, runs[-1]))


if __name__ == "__main__":
    main()
