#!/usr/bin/env python3
"""Make a tiny model folder with random weights and, for most, its own byte-level BPE tokenizer.

The weights are random but shaped: norm weights differ from one, queries and keys are large enough
for attention to prefer some positions, and logits are spread so that most greedy steps have a clear
winner. So a forgotten norm weight, a wrong rotation or a swapped head changes the answer. Layers
add less to the residual stream than the embeddings bring, or they would amplify each other's
rounding until a bfloat16 run could not be told from a slightly wrong one.

Needs PyTorch, safetensors, tokenizers. A developer's script: no build or test runs it.
"""
import argparse
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
VOCAB_SIZE = 1024
# Words are cut like Llama-3 cuts them: contractions, letters, digits by three, marks, white space.
LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3_SPECIAL = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
]
CHATML_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TORCH_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Experts:
    """A feed-forward of experts. A token's embedding has a part along the router rows of a few of
    them, its own choice, so that choices are clear: none turns on the rounding of a logit."""

    count: int
    per_token: int
    intermediate: int
    levels: tuple[float, ...]  # the parts along a token's first choice, its second, ...
    gain: float = 0.7  # of the router: the larger, the more the first choice counts
    leader: int | None = None  # this expert is the first choice of every token, in every layer
    twins: tuple[tuple[int, int], ...] = ()  # pairs of equal experts, and of equal logits
    normalize: bool = True


@dataclass(frozen=True)
class Shape:
    """What config.json says, and which tokenizer, template and number of files go with it."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    positions: int
    rope_theta: float
    tied: bool
    template: str | None  # None: the folder has no tokenizer, only weights to compute with
    family: str = "llama"
    windows: dict = field(default_factory=dict)  # as config.json states them
    rope_scaling: dict | None = None
    original_positions: int | None = None  # of a rope that is stretched in long sequences
    softcaps: tuple[float, float] | None = None  # of attention scores, of logits
    query_scalar: int | None = None  # queries are divided by its root; None: by that of head_dim
    experts: Experts | None = None  # None: the feed-forward is dense
    attention_bias: bool = False
    dtype: str = "bfloat16"
    attention_gain: float = 0.7  # of the output's weights
    chatml: bool = False
    shards: int = 1
    # transformers 5 writes "rope_parameters" and "dtype"; older files say "rope_theta",
    # "rope_scaling" and "torch_dtype". Both are in use, so both are covered.
    new_style_config: bool = False


@dataclass(frozen=True)
class Family:
    architecture: str
    biased: tuple[str, ...] = ()  # projections that have a bias whatever the configuration says
    qk_norm: bool = False
    fused: bool = False  # q, k and v are one matrix, gate and up are one
    post_norms: bool = False  # four norms a layer
    norm_offset: float = 0.0  # what is added to norm weights when they are used
    scaled_embeddings: bool = False  # by sqrt(hidden) when they are looked up
    activation: str = "silu"
    # The names of the router, of the experts' folder, and of its gate, up and down matrices.
    experts: tuple[str, str, str, str, str] | None = None


FAMILIES = {
    "llama": Family("LlamaForCausalLM"),
    "gemma2": Family("Gemma2ForCausalLM", post_norms=True, norm_offset=1.0,
                     scaled_embeddings=True, activation="gelu_pytorch_tanh"),
    "mistral": Family("MistralForCausalLM"),
    "phi3": Family("Phi3ForCausalLM", fused=True),
    "qwen2": Family("Qwen2ForCausalLM", biased=("q_proj", "k_proj", "v_proj")),
    "qwen3": Family("Qwen3ForCausalLM", qk_norm=True),
    "mixtral": Family(
        "MixtralForCausalLM",
        experts=("block_sparse_moe.gate", "block_sparse_moe.experts", "w1", "w3", "w2"),
    ),
    "qwen3_moe": Family(
        "Qwen3MoeForCausalLM", qk_norm=True,
        experts=("mlp.gate", "mlp.experts", "gate_proj", "up_proj", "down_proj"),
    ),
}

# How large what comes out of a matrix is, for input of size one. Embeddings are of size one.
QUERY_KEY_GAIN = 1.3
MLP_OUTPUT_GAIN = 0.5
EXPERT_OUTPUT_GAIN = 1.2

SHAPES = {
    "tiny-llama": Shape(
        hidden=64, intermediate=176, layers=3, heads=4, kv_heads=2, head_dim=16, positions=512,
        rope_theta=500000.0, tied=False, template="plain",
    ),
    # Wavelengths of the eight rotations are 6 to 600000 positions: some below 64 (kept), one
    # between 64 and 256 (blended), the others above 256 (stretched).
    "tiny-llama3-rope": Shape(
        hidden=128, intermediate=256, layers=3, heads=8, kv_heads=2, head_dim=16, positions=2048,
        rope_theta=500000.0, tied=True, template="instruct",
        rope_scaling={
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 256,
        },
    ),
    "tiny-llama-bias": Shape(
        hidden=64, intermediate=160, layers=2, heads=4, kv_heads=1, head_dim=32, positions=512,
        rope_theta=10000.0, tied=True, template="chatml",
        rope_scaling={"rope_type": "linear", "factor": 2.0},
        attention_bias=True, attention_gain=1.2, dtype="float16", chatml=True, shards=2,
        new_style_config=True,
    ),
    # 64 positions at first: the prompt of 63 gets there while it generates, longer ones before.
    "tiny-phi3": Shape(
        family="phi3", hidden=60, intermediate=100, layers=3, heads=5, kv_heads=1, head_dim=12,
        positions=512, rope_theta=10000.0, tied=False, template=None, original_positions=64,
        windows={"sliding_window": 100},
        rope_scaling={
            "type": "longrope",
            "short_factor": [1.0, 1.1, 1.25, 1.5, 1.75, 2.0],
            "long_factor": [1.5, 2.5, 4.0, 6.5, 8.0, 8.5],
        },
    ),
    # Caps as small as what they cap; embeddings are 8 times as large as stored, scores less than
    # those of heads of 24. Layers 0 and 2 slide.
    "tiny-gemma2": Shape(
        family="gemma2", hidden=64, intermediate=104, layers=3, heads=4, kv_heads=2, head_dim=24,
        positions=512, rope_theta=10000.0, tied=True, template=None,
        windows={"sliding_window": 40}, softcaps=(3.0, 6.0), query_scalar=40,
    ),
    # The first two become GGUF files; rows of 256 are what the K formats need. Half of the 32
    # wavelengths are changed.
    "gguf-llama": Shape(
        hidden=256, intermediate=256, layers=1, heads=4, kv_heads=2, head_dim=64, positions=1024,
        rope_theta=10000.0, tied=True, template="plain",
        rope_scaling={
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 128,
        },
    ),
    "gguf-qwen2": Shape(
        family="qwen2", hidden=64, intermediate=96, layers=2, heads=4, kv_heads=2, head_dim=16,
        positions=512, rope_theta=10000.0, tied=True, template="chatml", chatml=True,
    ),
    "tiny-mistral": Shape(
        family="mistral", hidden=64, intermediate=96, layers=3, heads=4, kv_heads=2, head_dim=16,
        positions=512, rope_theta=10000.0, tied=False, template=None,
        windows={"sliding_window": 48},
    ),
    "tiny-qwen2": Shape(
        family="qwen2", hidden=64, intermediate=128, layers=3, heads=4, kv_heads=2, head_dim=16,
        positions=512, rope_theta=1000000.0, tied=True, template=None,
        windows={"use_sliding_window": True, "sliding_window": 32, "max_window_layers": 1},
    ),
    "tiny-qwen3": Shape(
        family="qwen3", hidden=64, intermediate=128, layers=3, heads=4, kv_heads=2, head_dim=32,
        positions=512, rope_theta=20000.0, tied=True, template=None, new_style_config=True,
        windows={"use_sliding_window": False, "sliding_window": None, "max_window_layers": 3,
                 "layer_types": ["full_attention"] * 3},
    ),
    "tiny-mixtral": Shape(
        family="mixtral", hidden=64, intermediate=48, layers=2, heads=4, kv_heads=2, head_dim=16,
        positions=512, rope_theta=10000.0, tied=False, template=None,
        windows={"sliding_window": None},
        experts=Experts(6, 2, 48, levels=(5.0, 3.6)),
    ),
    "tiny-mixtral-leader": Shape(
        family="mixtral", hidden=64, intermediate=32, layers=2, heads=4, kv_heads=2, head_dim=16,
        positions=512, rope_theta=10000.0, tied=True, template=None,
        windows={"sliding_window": None},
        experts=Experts(4, 2, 32, levels=(3.5,), gain=0.4, leader=2),
    ),
    "tiny-mixtral-twins": Shape(
        family="mixtral", hidden=64, intermediate=32, layers=2, heads=4, kv_heads=2, head_dim=16,
        positions=512, rope_theta=10000.0, tied=True, template=None,
        windows={"sliding_window": None},
        experts=Experts(6, 2, 32, levels=(5.0, 3.6), twins=((1, 4), (2, 5))),
    ),
    "tiny-qwen3-moe": Shape(
        family="qwen3_moe", hidden=64, intermediate=160, layers=2, heads=4, kv_heads=2,
        head_dim=32, positions=512, rope_theta=20000.0, tied=True, template=None,
        windows={"use_sliding_window": False, "sliding_window": None, "max_window_layers": 2},
        experts=Experts(8, 3, 40, levels=(6.0, 5.0, 4.0), gain=0.5), attention_gain=1.1,
    ),
}


def read_corpus(paths: list[Path]) -> list[str]:
    """Lines of the corpus; the small file of many scripts counts 40 times."""
    many_scripts = (HERE / "corpus.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    lines = many_scripts * 40
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            lines += [message["content"] for message in json.loads(line)]
    return lines


def train_bpe(tokenizer: Tokenizer, corpus: list[str], size: int) -> None:
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    if tokenizer.get_vocab_size() != size:
        raise SystemExit(f"the corpus gave {tokenizer.get_vocab_size()} tokens, not {size}")


def llama3_tokenizer(corpus: list[str]) -> Tokenizer:
    """Llama-3's kind: own split pattern, whole words first, a begin token before every text."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    train_bpe(tokenizer, corpus, VOCAB_SIZE - len(LLAMA3_SPECIAL))
    tokenizer = drop_some_merges(tokenizer)
    tokenizer.add_special_tokens(LLAMA3_SPECIAL)
    begin = LLAMA3_SPECIAL[0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
    )
    return tokenizer


def drop_some_merges(tokenizer: Tokenizer) -> Tokenizer:
    """Remove every tenth merge that no other merge builds on; its token stays.

    Such a token can be had only as a whole word. With "ignore_merges" the word is looked up before
    merging and is found; a tokenizer that forgets the setting cuts it in two.
    """
    data = json.loads(tokenizer.to_str())
    merges = data["model"]["merges"]
    parts = {part for merge in merges for part in merge}
    leaves = [merge for merge in merges if "".join(merge) not in parts]
    dropped = leaves[::10]
    data["model"]["merges"] = [merge for merge in merges if merge not in dropped]
    return Tokenizer.from_str(json.dumps(data))


def chatml_tokenizer(corpus: list[str]) -> Tokenizer:
    """GPT-2's kind: the built-in pattern, nothing added to a text, one added token not special."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    train_bpe(tokenizer, corpus, VOCAB_SIZE - len(CHATML_SPECIAL) - 1)
    tokenizer.add_special_tokens(CHATML_SPECIAL)
    tokenizer.add_tokens([AddedToken("<|tool|>", special=False, normalized=False)])
    return tokenizer


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tokenizer(shape: Shape, corpus: list[str], folder: Path) -> dict[str, int]:
    """Write the tokenizer's files; return the ids that config.json must name."""
    tokenizer = (chatml_tokenizer if shape.chatml else llama3_tokenizer)(corpus)
    tokenizer.save(str(folder / "tokenizer.json"))
    begin, pad, end = (
        ("<|endoftext|>", "<|endoftext|>", "<|im_end|>")
        if shape.chatml
        else ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>")
    )
    template = (HERE / "templates" / f"{shape.template}.jinja").read_text(encoding="utf-8")
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": begin,
        "eos_token": end,
        "pad_token": pad,
        "model_max_length": shape.positions,
        "clean_up_tokenization_spaces": False,
    }
    # The template's home moved from tokenizer_config.json to a file of its own; cover both.
    if shape.template == "plain":
        config["chat_template"] = template
    else:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    write_json(folder / "tokenizer_config.json", config)
    return {
        "bos": tokenizer.token_to_id(begin),
        "pad": tokenizer.token_to_id(pad),
        "eos": tokenizer.token_to_id(end),
    }


def experts_config(shape: Shape) -> dict[str, object]:
    if shape.experts is None:
        return {}
    if shape.family == "mixtral":
        return {
            "num_local_experts": shape.experts.count,
            "num_experts_per_tok": shape.experts.per_token,
            "output_router_logits": False,
            "router_aux_loss_coef": 0.02,
        }
    return {
        "num_experts": shape.experts.count,
        "num_experts_per_tok": shape.experts.per_token,
        "moe_intermediate_size": shape.experts.intermediate,
        "norm_topk_prob": shape.experts.normalize,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "output_router_logits": False,
        "router_aux_loss_coef": 0.001,
    }


def write_config(shape: Shape, token_ids: dict[str, int], folder: Path) -> None:
    config = {
        "architectures": [FAMILIES[shape.family].architecture],
        "model_type": shape.family,
        **experts_config(shape),
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "hidden_act": FAMILIES[shape.family].activation,
        "max_position_embeddings": shape.positions,
        "rms_norm_eps": 1e-5,
        "vocab_size": VOCAB_SIZE,
        "tie_word_embeddings": shape.tied,
        "attention_bias": shape.attention_bias,
        "mlp_bias": False,
        "bos_token_id": token_ids["bos"],
        "eos_token_id": token_ids["eos"],
        **shape.windows,
    }
    if shape.original_positions is not None:
        config["original_max_position_embeddings"] = shape.original_positions
    if shape.family == "phi3":
        config["pad_token_id"] = token_ids["pad"]  # the default is outside of this vocabulary
    if shape.softcaps is not None:
        config["hidden_activation"] = config["hidden_act"]
        config["attn_logit_softcapping"], config["final_logit_softcapping"] = shape.softcaps
        config["query_pre_attn_scalar"] = shape.query_scalar
    if shape.new_style_config:
        config["dtype"] = shape.dtype
        config["rope_parameters"] = {"rope_theta": shape.rope_theta, **(shape.rope_scaling or {})}
    else:
        config["torch_dtype"] = shape.dtype
        config["rope_theta"] = shape.rope_theta
        config["rope_scaling"] = shape.rope_scaling
        if shape.head_dim * shape.heads == shape.hidden:
            del config["head_dim"]  # as in older files: it follows from hidden size and heads
    write_json(folder / "config.json", config)
    generation = {
        "bos_token_id": token_ids["bos"],
        "eos_token_id": [token_ids["pad"], token_ids["eos"]],
        "do_sample": True,
        "temperature": 0.7,
        "top_p": 0.9,
    }
    write_json(folder / "generation_config.json", generation)


class WeightSource:
    """Random tensors from one seed, drawn in the order in which they are asked for."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, *sizes: int, std: float = 1.0) -> torch.Tensor:
        return torch.randn(*sizes, generator=self._generator) * std

    def linear(self, outputs: int, inputs: int, gain: float = 1.0) -> torch.Tensor:
        return self.normal(outputs, inputs, std=gain / math.sqrt(inputs))

    def norm(self, size: int, scale: float = 1.0) -> torch.Tensor:
        return (1.0 + self.normal(size, std=0.2)) * scale

    def signs(self, size: int) -> torch.Tensor:
        return 1.0 - 2.0 * torch.randint(2, (size,), generator=self._generator)


def router_directions(shape: Shape, source: WeightSource) -> torch.Tensor:
    """Orthogonal directions [experts, hidden] with elements of size one."""
    square = source.normal(shape.hidden, shape.hidden)
    return torch.linalg.qr(square).Q[: shape.experts.count] * math.sqrt(shape.hidden)


def add_choices(
    shape: Shape, source: WeightSource, directions: torch.Tensor, embedding: torch.Tensor
) -> torch.Tensor:
    """The embedding with the parts along the directions that each token chooses, and no others."""
    experts = shape.experts
    unit = directions / math.sqrt(shape.hidden)
    embedding = embedding - embedding @ unit.T @ unit
    twins = {second for _, second in experts.twins}
    free = [e for e in range(experts.count) if e != experts.leader and e not in twins]
    draws = source.normal(VOCAB_SIZE, len(free)).argsort(dim=1)
    for place, level in enumerate(experts.levels):
        embedding = embedding + level * unit[torch.tensor(free)[draws[:, place]]]
    if experts.leader is not None:
        embedding = embedding + 2.3 * experts.levels[0] * unit[experts.leader]
    return embedding


def make_experts(
    shape: Shape, source: WeightSource, directions: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The router and all experts of a layer; which of the directions is whose differs by layer."""
    experts = shape.experts
    router, folder, gate, up, down = FAMILIES[shape.family].experts
    rows = directions.clone()
    if not experts.twins and experts.leader is None:
        rows = rows[source.normal(experts.count).argsort()]
    for first, second in experts.twins:
        rows[second] = rows[first]
    layer = {f"{router}.weight": rows * experts.gain / math.sqrt(shape.hidden)}
    for index in range(experts.count):
        name = f"{folder}.{index}"
        layer |= {
            f"{name}.{gate}.weight": source.linear(experts.intermediate, shape.hidden),
            f"{name}.{up}.weight": source.linear(experts.intermediate, shape.hidden),
            f"{name}.{down}.weight": source.linear(
                shape.hidden, experts.intermediate, EXPERT_OUTPUT_GAIN
            ),
        }
    for first, second in experts.twins:
        for matrix in (gate, up, down):
            source_name = f"{folder}.{first}.{matrix}.weight"
            layer[f"{folder}.{second}.{matrix}.weight"] = layer[source_name].clone()
    return layer


def make_layer(
    shape: Shape, source: WeightSource, directions: torch.Tensor | None
) -> dict[str, torch.Tensor]:
    query, key_value = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    family = FAMILIES[shape.family]
    layer = {
        "input_layernorm.weight": source.norm(shape.hidden),
        "self_attn.q_proj.weight": source.linear(query, shape.hidden, QUERY_KEY_GAIN),
        "self_attn.k_proj.weight": source.linear(key_value, shape.hidden, QUERY_KEY_GAIN),
        "self_attn.v_proj.weight": source.linear(key_value, shape.hidden),
        "self_attn.o_proj.weight": source.linear(shape.hidden, query, shape.attention_gain),
        "post_attention_layernorm.weight": source.norm(shape.hidden),
    }
    if directions is None:
        layer |= {
            "mlp.gate_proj.weight": source.linear(shape.intermediate, shape.hidden),
            "mlp.up_proj.weight": source.linear(shape.intermediate, shape.hidden),
            "mlp.down_proj.weight": source.linear(
                shape.hidden, shape.intermediate, MLP_OUTPUT_GAIN
            ),
        }
    else:
        layer |= make_experts(shape, source, directions)
    if family.post_norms:
        # What is added is of the size of the norm's weights: small, like what other models add.
        for name, gain in ("attention", shape.attention_gain), ("feedforward", MLP_OUTPUT_GAIN):
            layer[f"post_{name}_layernorm.weight"] = source.norm(shape.hidden, gain)
        layer["pre_feedforward_layernorm.weight"] = source.norm(shape.hidden)
    if family.fused:
        fuse(layer, "self_attn.qkv_proj.weight", "q_proj", "k_proj", "v_proj")
        fuse(layer, "mlp.gate_up_proj.weight", "gate_proj", "up_proj")
    biased = ("q_proj", "k_proj", "v_proj", "o_proj") if shape.attention_bias else family.biased
    for name in biased:
        size = layer[f"self_attn.{name}.weight"].shape[0]
        layer[f"self_attn.{name}.bias"] = source.normal(size, std=0.3)
    if family.qk_norm:
        for name in ("q_norm", "k_norm"):
            layer[f"self_attn.{name}.weight"] = source.norm(shape.head_dim, QUERY_KEY_GAIN)
    return layer


def fuse(layer: dict[str, torch.Tensor], name: str, *parts: str) -> None:
    """Replace matrices by one that has their rows one after the other."""
    folder = name.split(".")[0]
    layer[name] = torch.cat([layer.pop(f"{folder}.{part}.weight") for part in parts])


def make_weights(shape: Shape, seed: int, logit_std: float) -> dict[str, torch.Tensor]:
    source = WeightSource(seed)
    family = FAMILIES[shape.family]
    embedding_std = 1.0 / math.sqrt(shape.hidden) if family.scaled_embeddings else 1.0
    embeddings = source.normal(VOCAB_SIZE, shape.hidden, std=embedding_std)
    weights = {"model.embed_tokens.weight": embeddings}
    directions = None
    if shape.experts is not None:
        directions = router_directions(shape, source)
        embeddings = add_choices(shape, source, directions, embeddings)
        weights["model.embed_tokens.weight"] = embeddings
    for index in range(shape.layers):
        for name, tensor in make_layer(shape, source, directions).items():
            weights[f"model.layers.{index}.{name}"] = tensor
    # The last norm gives numbers of size one; its scale sets how far apart the logits are.
    head_std = embedding_std if shape.tied else 1.0 / math.sqrt(shape.hidden)
    scale = logit_std / (head_std * math.sqrt(shape.hidden))
    weights["model.norm.weight"] = source.norm(shape.hidden, scale)
    if shape.tied:
        # With weights of one sign the last token itself would win most steps.
        weights["model.norm.weight"] *= source.signs(shape.hidden)
    if not shape.tied:
        weights["lm_head.weight"] = source.linear(VOCAB_SIZE, shape.hidden)
    for name, tensor in weights.items():
        if "norm" in name:
            tensor -= family.norm_offset
    dtype = TORCH_DTYPES[shape.dtype]
    return {name: tensor.to(dtype).contiguous() for name, tensor in weights.items()}


def write_weights(weights: dict[str, torch.Tensor], shards: int, folder: Path) -> None:
    """One file, or several of about equal size with an index, cut without regard to layers."""
    if shards == 1:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return
    total = sum(tensor.nbytes for tensor in weights.values())
    files: list[dict[str, torch.Tensor]] = [{} for _ in range(shards)]
    placed = 0
    for name, tensor in weights.items():
        files[min(placed * shards // total, shards - 1)][name] = tensor
        placed += tensor.nbytes
    weight_map = {}
    for index, tensors in enumerate(files, start=1):
        file_name = f"model-{index:05}-of-{shards:05}.safetensors"
        save_file(tensors, folder / file_name, metadata={"format": "pt"})
        weight_map.update({name: file_name for name in tensors})
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    write_json(folder / "model.safetensors.index.json", index)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--logit-std", type=float, default=1.5, help="spread of the logits")
    parser.add_argument("--corpus", type=Path, nargs="*", default=[],
                        help="conversations, one JSON list of messages a line")
    arguments = parser.parse_args()
    shape = SHAPES[arguments.shape]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if shape.template is None:
        token_ids = {"bos": 0, "pad": 1, "eos": 2}
    else:
        token_ids = write_tokenizer(shape, read_corpus(arguments.corpus), arguments.folder)
    write_config(shape, token_ids, arguments.folder)
    weights = make_weights(shape, arguments.seed, arguments.logit_std)
    write_weights(weights, shape.shards, arguments.folder)
    size = sum(path.stat().st_size for path in arguments.folder.iterdir())
    print(f"{arguments.folder}: {sum(map(torch.numel, weights.values()))} weights, {size} bytes")


if __name__ == "__main__":
    main()
