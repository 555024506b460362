"""From conversations to training rows: the tokenizer, the chat format, and packing."""
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from network import CONTEXT, IGNORED
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 1536
BEGIN, END_OF_TEXT, START_HEADER, END_HEADER, END_OF_TURN = range(5)
SPECIAL_TOKENS = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
]
TOKENIZER_TEXTS = 40000  # messages the tokenizer is trained on
OPEN_ROWS = 64

Document = tuple[list[int], list[int]]  # token ids; one where the token is part of an answer


def read_conversations(path: Path) -> Iterator[list[dict[str, str]]]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def train_tokenizer(path: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts: list[str] = []
    for conversation in read_conversations(path):
        texts += [message["content"] for message in conversation]
        if len(texts) > TOKENIZER_TEXTS:
            break
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(path: Path, tokenizer: Tokenizer) -> list[Document]:
    """Token ids of each conversation in the chat format; longer ones than a row are left out."""
    blank_line = tokenizer.encode("\n\n").ids
    roles = {role: tokenizer.encode(role).ids for role in ("user", "assistant", "system")}
    conversations = list(read_conversations(path))
    contents = [message["content"] for messages in conversations for message in messages]
    encoded = iter(tokenizer.encode_batch(contents))
    documents = []
    for messages in conversations:
        ids, answer = [BEGIN], [0]
        for message in messages:
            header = [START_HEADER, *roles[message["role"]], END_HEADER, *blank_line]
            body = [*next(encoded).ids, END_OF_TURN]
            ids += header + body
            answer += [0] * len(header) + [int(message["role"] == "assistant")] * len(body)
        if len(ids) <= CONTEXT + 1:
            documents.append((ids, answer))
    return documents


def pack(documents: list[Document]) -> tuple[torch.Tensor, torch.Tensor]:
    """Whole conversations in rows of CONTEXT + 1 tokens: the fullest open row that has room.

    Returns ids [rows, CONTEXT + 1] and whether each is part of an answer.
    """
    closed: list[Document] = []
    open_rows: list[Document] = []
    for ids, answer in documents:
        fitting = [row for row in open_rows if len(row[0]) + len(ids) <= CONTEXT + 1]
        if fitting:
            row = max(fitting, key=lambda candidate: len(candidate[0]))
        else:
            row = ([], [])
            open_rows.append(row)
            if len(open_rows) > OPEN_ROWS:
                fullest = max(range(OPEN_ROWS), key=lambda index: len(open_rows[index][0]))
                closed.append(open_rows.pop(fullest))
        row[0].extend(ids)
        row[1].extend(answer)
    return _to_tensors(closed + open_rows)


def _to_tensors(rows: list[Document]) -> tuple[torch.Tensor, torch.Tensor]:
    all_ids = torch.full((len(rows), CONTEXT + 1), END_OF_TEXT, dtype=torch.int16)
    all_answers = torch.zeros((len(rows), CONTEXT + 1), dtype=torch.bool)
    for index, (ids, answer) in enumerate(rows):
        all_ids[index, : len(ids)] = torch.tensor(ids, dtype=torch.int16)
        all_answers[index, : len(answer)] = torch.tensor(answer, dtype=torch.bool)
    return all_ids, all_answers


class Rows:
    """Packed rows, and batches of them as inputs and labels (loss on answers only)."""

    def __init__(self, documents: list[Document]) -> None:
        self.ids, self._answers = pack(documents)

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, rows: torch.Tensor | slice) -> tuple[torch.Tensor, torch.Tensor]:
        ids = self.ids[rows].long()
        labels = torch.where(self._answers[rows][:, 1:], ids[:, 1:], IGNORED)
        return ids[:, :-1].contiguous(), labels
