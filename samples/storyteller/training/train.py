#!/usr/bin/env python3
"""Train the storyteller from scratch on a CPU and save it as a Hugging Face folder.

The learning rate follows the clock, not a step count: the run takes the minutes it is given on any
machine, and a faster one sees more text.
"""
import argparse
import math
import random
import time
from pathlib import Path

import torch
from conversations import VOCABULARY, Rows, encode, train_tokenizer
from export import save
from network import CONTEXT, IGNORED, Llama
from torch import nn

ROWS = 8  # in a batch
TOKENS = ROWS * CONTEXT
LEARNING_RATE, LAST_LEARNING_RATE = 2.5e-3, 5e-5
WARM_UP_STEPS = 100
WEIGHT_DECAY = 0.1
GRADIENT_NORM = 1.0
LOG_EVERY, SAVE_EVERY = 100, 500
HELD_OUT_ROWS = 48  # looked at while training; all of them at the end


def batch_loss(network: Llama, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return network.loss(ids, labels)


@torch.no_grad()
def held_out_loss(network: Llama, rows: Rows, limit: int) -> float:
    total, count = 0.0, 0
    for start in range(0, min(limit, len(rows)), ROWS):
        ids, labels = rows.batch(slice(start, start + ROWS))
        bearing = int((labels != IGNORED).sum())
        total += batch_loss(network, ids, labels).item() * bearing
        count += bearing
    return total / count


def make_optimizer(network: Llama) -> torch.optim.Optimizer:
    """Matrices decay, norm weights do not."""
    matrices = [parameter for parameter in network.parameters() if parameter.dim() == 2]
    vectors = [parameter for parameter in network.parameters() if parameter.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0},
    ]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.95), fused=True)


def learning_rate(step: int, progress: float) -> float:
    """Linear warm-up over steps, cosine over the share of the time that has passed."""
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    rate = LAST_LEARNING_RATE + (LEARNING_RATE - LAST_LEARNING_RATE) * cosine
    return min(1.0, (step + 1) / WARM_UP_STEPS) * rate


class BatchOrder:
    """Which rows come next: all in random order, then all again in another."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._next = 0
        self._order = torch.randperm(count)
        self.epoch = 0

    def next(self) -> torch.Tensor:
        if self._next + ROWS > self._count:
            self._order, self._next = torch.randperm(self._count), 0
            self.epoch += 1
        start, self._next = self._next, self._next + ROWS
        return self._order[start : self._next]


class Training:
    """One run: the network, its optimizer and the clock."""

    def __init__(self, network: Llama, rows: Rows, seconds: float) -> None:
        self.step_count = 0
        self._network, self._rows = network, rows
        self._optimizer = make_optimizer(network)
        self._order = BatchOrder(len(rows))
        self._seconds, self._start = seconds, time.time()
        self._average = 0.0

    def step(self) -> bool:
        """Train on one batch; False when the time is over."""
        progress = (time.time() - self._start) / self._seconds
        if progress >= 1:
            return False
        rate = learning_rate(self.step_count, progress)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss = batch_loss(self._network, *self._rows.batch(self._order.next()))
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), GRADIENT_NORM)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._log(loss.item(), rate)
        return True

    def _log(self, loss: float, rate: float) -> None:
        self.step_count += 1
        first = self.step_count == 1
        self._average = loss if first else 0.95 * self._average + 0.05 * loss
        if self.step_count % LOG_EVERY == 0:
            seconds = time.time() - self._start
            speed = self.step_count * TOKENS / seconds
            print(f"step {self.step_count} min {seconds / 60:.2f} epoch {self._order.epoch}"
                  f" lr {rate:.2e} loss {self._average:.4f} tok/s {speed:.0f}", flush=True)


def train(corpus: Path, held_out: Path, folder: Path, minutes: float) -> None:
    start = time.time()
    tokenizer = train_tokenizer(corpus)
    documents = encode(corpus, tokenizer)
    held_out_rows = Rows(encode(held_out, tokenizer))
    random.Random(1).shuffle(documents)
    rows = Rows(documents)
    tokens = sum(len(ids) for ids, _ in documents)
    print(f"vocabulary {tokenizer.get_vocab_size()} conversations {len(documents)}"
          f" tokens {tokens} rows {len(rows)} fill {tokens / rows.ids.numel():.3f}"
          f" prepared in {time.time() - start:.0f} s", flush=True)
    network = Llama(tokenizer.get_vocab_size())
    run = Training(network, rows, minutes * 60)
    while run.step():
        if run.step_count % SAVE_EVERY == 0:
            loss = held_out_loss(network, held_out_rows, HELD_OUT_ROWS)
            print(f"  held-out loss {loss:.4f}", flush=True)
            save(network, tokenizer, folder)
    loss = held_out_loss(network, held_out_rows, len(held_out_rows))
    print(f"final step {run.step_count} tokens {run.step_count * TOKENS}"
          f" held-out loss {loss:.4f} perplexity {math.exp(loss):.3f}", flush=True)
    save(network, tokenizer, folder)


def benchmark(steps: int = 6) -> None:
    """Time forward, backward and update on random tokens."""
    network = Llama(VOCABULARY)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    ids = torch.randint(0, VOCABULARY, (ROWS, CONTEXT))
    labels = torch.where(torch.rand(ROWS, CONTEXT) < 0.8, ids, IGNORED)
    print("parameters", sum(parameter.numel() for parameter in network.parameters()))
    for _ in range(steps):
        marks = [time.time()]
        loss = batch_loss(network, ids, labels)
        marks.append(time.time())
        loss.backward()
        marks.append(time.time())
        optimizer.step()
        optimizer.zero_grad()
        marks.append(time.time())
        forward, backward, update = (end - begin for begin, end in zip(marks, marks[1:]))
        print(f"loss {loss.item():.4f} forward {forward:.3f} backward {backward:.3f}"
              f" update {update:.3f} tok/s {TOKENS / (marks[-1] - marks[0]):.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train and save")
    run.add_argument("corpus", type=Path, help="conversations from generate.py")
    run.add_argument("held_out", type=Path, help="conversations of another seed")
    run.add_argument("folder", type=Path)
    run.add_argument("minutes", type=float)
    commands.add_parser("bench", help="a few timed steps on random tokens")
    arguments = parser.parse_args()
    torch.manual_seed(7)
    if arguments.command == "bench":
        benchmark()
    else:
        train(arguments.corpus, arguments.held_out, arguments.folder, arguments.minutes)


if __name__ == "__main__":
    main()
