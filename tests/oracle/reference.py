"""What the golden scripts share: a model run by transformers, greedy steps, the file format."""
import json
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

TOP_COUNT = 5


def load_model(
    folder: Path, dtype: torch.dtype, rope_parameters: dict | None = None
) -> PreTrainedModel:
    """Load with every weight converted to dtype; with rotations not the folder's, if given."""
    config = AutoConfig.from_pretrained(folder)
    if rope_parameters is not None:
        config.rope_parameters = rope_parameters
    model = AutoModelForCausalLM.from_pretrained(
        folder, config=config, dtype=dtype, attn_implementation="eager"
    )
    return model.eval()


@torch.no_grad()
def last_logits(model: PreTrainedModel, rows: list[list[int]]) -> torch.Tensor:
    """Logits after the last token of each row [rows, vocabulary]; rows are equally long."""
    return model(torch.tensor(rows), use_cache=False).logits[:, -1].double()


def greedy_steps(
    model: PreTrainedModel, prompt: list[int], count: int, stop_ids: tuple[int, ...] = ()
) -> list[dict]:
    """Greedy continuation, every step computed from scratch: no cache that could be wrong.

    A stop token is the last step if it comes.
    """
    tokens, steps = list(prompt), []
    while len(steps) < count and not (steps and steps[-1]["id"] in stop_ids):
        log_probs = torch.log_softmax(last_logits(model, [tokens])[0], -1)
        top = torch.topk(log_probs, TOP_COUNT)
        ids, values = top.indices.tolist(), top.values.tolist()
        steps.append({
            "id": ids[0],
            "logprob": round(values[0], 6),
            "margin": round(values[0] - values[1], 6),
            "top": [[token, round(value, 6)] for token, value in zip(ids, values)],
        })
        tokens.append(ids[0])
    return steps


def stretches(model: PreTrainedModel) -> bool:
    """Are positions of a long sequence other ones, from its first token on?"""
    return model.config.rope_parameters["rope_type"] == "longrope"


def outgrows(model: PreTrainedModel, length: int) -> bool:
    """Is a sequence of this length the first whose positions are not those a cache holds?"""
    rope = model.config.rope_parameters
    return stretches(model) and length == rope["original_max_position_embeddings"] + 1


@torch.no_grad()
def forced_log_probs(model: PreTrainedModel, run: dict) -> torch.Tensor:
    """Log-probabilities [steps, vocabulary] after each of the run's own prefixes."""
    steps = run["steps"]
    tokens = run["prompt"] + [step["id"] for step in steps[:-1]]
    if stretches(model):
        ends = range(len(run["prompt"]), len(tokens) + 1)
        rows = torch.cat([last_logits(model, [tokens[:end]]) for end in ends])
        return torch.log_softmax(rows, -1)
    logits = model(torch.tensor([tokens]), use_cache=False).logits[0, -len(steps):].double()
    return torch.log_softmax(logits, -1)


def top_differences(log_probs: torch.Tensor, run: dict) -> list[float]:
    """For each step the largest difference among the run's most likely tokens."""
    return [
        max(abs(float(row[token]) - value) for token, value in step["top"])
        for step, row in zip(run["steps"], log_probs)
    ]


def low_precision_report(folder: Path, runs: list[dict], limit: float) -> str:
    """Repeat every step in bfloat16 on the same prefixes: how far off, and who wins?"""
    model = load_model(folder, torch.bfloat16)
    wrong, worst = 0, 0.0
    for run in runs:
        log_probs = forced_log_probs(model, run)
        worst = max(worst, *top_differences(log_probs, run))
        for step, winner in zip(run["steps"], log_probs.argmax(-1).tolist()):
            wrong += int(step["margin"] > limit and winner != step["id"])
    return (
        f"bfloat16: largest error of a log-probability {worst:.4f};"
        f" another winner where the margin is over {limit}: {wrong} steps"
    )


def margin_report(runs: list[dict], limit: float) -> str:
    margins = [step["margin"] for run in runs for step in run["steps"]]
    healthy = sum(margin > limit for margin in margins)
    return (
        f"{healthy} of {len(margins)} steps ({100 * healthy / len(margins):.1f} %) have a margin"
        f" over {limit}; the smallest is {min(margins):.4f}"
    )


def chat_entry(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]) -> dict:
    """The template's text and ids with an opened answer, and its text without; or its refusal."""
    def render(opened: bool) -> str:
        return tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=opened
        )

    try:
        text = render(opened=True)
    except Exception as refusal:  # the template's own raise_exception, a jinja2.TemplateError
        return {"messages": messages, "error": str(refusal)}
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return {"messages": messages, "text": text, "ids": ids, "text_closed": render(opened=False)}


def write_golden(path: Path, golden: dict[str, object]) -> None:
    """JSON with one entry of each list a line, so that a difference can be read."""
    def compact(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    sections = []
    for name, value in golden.items():
        if isinstance(value, list) and value:
            body = "[\n" + ",\n".join(compact(entry) for entry in value) + "\n]"
        else:
            body = compact(value)
        sections.append(f"{compact(name)}: {body}")
    path.write_text("{\n" + ",\n".join(sections) + "\n}\n", encoding="utf-8")
