"""The network: a small Llama with tied embeddings, written for training on a CPU.

Queries, keys and values come from one matrix, gate and up from another: fewer, larger products.
export.py splits them when the model is saved.

Attention is written with batched products over blocks of queries. On the machine it was trained on,
torch's scaled_dot_product_attention was many times slower, and a causal block needs only the keys
up to its own end.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTH = 256
LAYERS = 5
HEADS = 4
HEAD_WIDTH = WIDTH // HEADS
HIDDEN = 576
CONTEXT = 384
ROPE_THETA = 10000.0
NORM_EPSILON = 1e-5
QUERY_BLOCK = 128
INIT_STD = 0.02
# Rows that bear loss are padded to a multiple of this: with few distinct shapes the matrix library
# finds its kernels in its cache.
LOSS_ROWS = 512
IGNORED = -100  # label of a position that bears no loss


class Norm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, (WIDTH,), self.weight, NORM_EPSILON)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotate pairs (i, i + half of the head) by the angles of their position."""
    left, right = x.chunk(2, -1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), -1)


def softmax(scores: torch.Tensor) -> torch.Tensor:
    """In bfloat16 where the scores are: autocast would widen them to float32."""
    if scores.dtype == torch.bfloat16:
        return torch.softmax(scores, -1, dtype=scores.dtype)
    return torch.softmax(scores, -1)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.mlp_norm = Norm(), Norm()
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.attention_out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate_up = nn.Linear(WIDTH, 2 * HIDDEN, bias=False)
        self.mlp_out = nn.Linear(HIDDEN, WIDTH, bias=False)

    def forward(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        x = x + self.attention_out(self._attend(self.attention_norm(x), cos, sin, mask))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, -1)
        return x + self.mlp_out(F.silu(gate) * up)

    def _attend(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        rows, length, _ = x.shape
        heads = self.query_key_value(x).view(rows, length, 3, HEADS, HEAD_WIDTH)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each [rows, heads, length, head width]
        query, key = rotate(query, cos, sin) * HEAD_WIDTH**-0.5, rotate(key, cos, sin)
        flat = (rows * HEADS, length, HEAD_WIDTH)
        query, key, value = query.reshape(flat), key.reshape(flat), value.reshape(flat)
        key = key.transpose(1, 2)
        blocks = []
        for start in range(0, length, QUERY_BLOCK):
            end = min(length, start + QUERY_BLOCK)
            scores = torch.bmm(query[:, start:end], key[:, :, :end]) + mask[start:end, :end]
            blocks.append(torch.bmm(softmax(scores), value[:, :end]))
        joined = torch.cat(blocks, 1).view(rows, HEADS, length, HEAD_WIDTH)
        return joined.transpose(1, 2).reshape(rows, length, WIDTH)


class Llama(nn.Module):
    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = Norm()
        self._initialize()
        inverse = ROPE_THETA ** (-torch.arange(0, HEAD_WIDTH, 2).float() / HEAD_WIDTH)
        angles = torch.outer(torch.arange(CONTEXT).float(), inverse)
        self.cos, self.sin = angles.cos(), angles.sin()

    def _initialize(self) -> None:
        """What is added to the residual stream starts smaller the more layers add to it."""
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                added = name.endswith(("attention_out.weight", "mlp_out.weight"))
                divisor = math.sqrt(2 * LAYERS) if added else 1
                nn.init.normal_(parameter, std=INIT_STD / divisor)

    def forward(self, ids: torch.Tensor, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        """Hidden states after the last norm [rows, length, width]."""
        length = ids.shape[1]
        cos, sin = self.cos[:length].to(dtype), self.sin[:length].to(dtype)
        mask = torch.full((length, length), -1e9).triu(1).to(dtype)
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.norm(x)

    def loss(self, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean cross entropy; logits are computed only where a label is."""
        hidden = self(ids).reshape(-1, WIDTH)
        labels = labels.reshape(-1)
        bearing = (labels >= 0).nonzero().squeeze(1)
        padding = -bearing.numel() % LOSS_ROWS
        bearing = F.pad(bearing, (0, padding))
        targets = labels[bearing]
        if padding:
            targets[-padding:] = IGNORED
        logits = F.linear(hidden[bearing], self.embedding.weight)
        return F.cross_entropy(logits.float(), targets)
