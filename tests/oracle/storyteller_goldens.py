#!/usr/bin/env python3
"""Write what transformers answers, greedily, to six conversations with the storyteller sample.

The golden file holds the text and ids of the chat template and every step of the answer in float32.
It names the sample; the weights are not copied.

A developer's script: no build or test runs it.
"""
import argparse
from pathlib import Path

import torch
from reference import (
    chat_entry, greedy_steps, load_model, low_precision_report, margin_report, write_golden,
)
from transformers import AutoTokenizer

MARGIN_LIMIT = 0.1
END_TOKENS = (1, 4)  # <|end_of_text|>, <|eot_id|>
STORY = (
    "Hazel was a hungry owl who lived in a valley. One day, Hazel found a golden key under a tree."
    ' "What could this be for?" said Hazel. Hazel went to see her friend Dora the girl. Dora looked'
    ' at the golden key and said, "It belongs in the orchard." Together they went to the orchard'
    " and found a hole in the wall. They held their breath. There they found a tree full of sweet"
    ' apples. "We will share it," said Hazel. And they did. Hazel smiled and felt happy.'
)


def user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


def assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}


CONVERSATIONS = [
    [user("Tell me a story about a fox named Lily who finds a map.")],
    [user("Tell me a story about a robot named Leo who is afraid of the dark.")],
    [user("Hello!")],
    [user("Tell me a story about an owl named Hazel who finds a golden key."), assistant(STORY),
     user("What did Hazel find?")],
    [user(f"{STORY} Where did they go?")],
    # found by search: every one of its 80 steps has a margin over 0.1
    [user("I want a short story about a small beaver named Wali who wants to build a snowman.")],
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--new", type=int, default=80, help="longest answer, in tokens")
    arguments = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    model = load_model(arguments.model, torch.float32)
    entries = []
    for messages in CONVERSATIONS:
        entry = chat_entry(tokenizer, messages)
        entry["steps"] = greedy_steps(model, entry["ids"], arguments.new, END_TOKENS)
        entry["answer"] = tokenizer.decode(
            [step["id"] for step in entry["steps"]], skip_special_tokens=True
        )
        entries.append(entry)
        print(repr(entry["answer"]), len(entry["steps"]))
    write_golden(arguments.output, {"model": "samples/storyteller", "chat": entries})
    runs = [{"prompt": entry["ids"], "steps": entry["steps"]} for entry in entries]
    print(margin_report(runs, MARGIN_LIMIT))
    print(low_precision_report(arguments.model, runs, MARGIN_LIMIT))


if __name__ == "__main__":
    main()
