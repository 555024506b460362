"""Save the trained network as a Hugging Face model folder."""
import json
from pathlib import Path

import torch
from conversations import BEGIN, END_OF_TEXT, END_OF_TURN, SPECIAL_TOKENS
from network import (
    CONTEXT, HEAD_WIDTH, HEADS, HIDDEN, INIT_STD, LAYERS, NORM_EPSILON, ROPE_THETA, WIDTH, Llama,
)
from safetensors.torch import save_file
from tokenizers import Tokenizer

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n'"
    " + m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
SPECIAL_ROLES = {
    "bos_token": SPECIAL_TOKENS[BEGIN],
    "eos_token": SPECIAL_TOKENS[END_OF_TURN],
    "pad_token": SPECIAL_TOKENS[END_OF_TEXT],
}


def named_weights(network: Llama) -> dict[str, torch.Tensor]:
    """Weights under the names that Hugging Face's Llama has; fused matrices are split."""
    weights = {
        "model.embed_tokens.weight": network.embedding.weight,
        "model.norm.weight": network.norm.weight,
    }
    for index, layer in enumerate(network.layers):
        query, key, value = layer.query_key_value.weight.chunk(3)
        gate, up = layer.gate_up.weight.chunk(2)
        parts = {
            "self_attn.q_proj": query,
            "self_attn.k_proj": key,
            "self_attn.v_proj": value,
            "self_attn.o_proj": layer.attention_out.weight,
            "mlp.gate_proj": gate,
            "mlp.up_proj": up,
            "mlp.down_proj": layer.mlp_out.weight,
            "input_layernorm": layer.attention_norm.weight,
            "post_attention_layernorm": layer.mlp_norm.weight,
        }
        for name, part in parts.items():
            weights[f"model.layers.{index}.{name}.weight"] = part
    return {
        name: weight.detach().to(torch.bfloat16).contiguous() for name, weight in weights.items()
    }


def model_config(vocabulary: int) -> dict:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": HEAD_WIDTH,
        "hidden_act": "silu",
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": NORM_EPSILON,
        "rope_theta": ROPE_THETA,
        "rope_scaling": None,
        "vocab_size": vocabulary,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": BEGIN,
        "eos_token_id": END_OF_TURN,
        "initializer_range": INIT_STD,
        "torch_dtype": "bfloat16",
        "use_cache": True,
    }


GENERATION_CONFIG = {
    "bos_token_id": BEGIN,
    "eos_token_id": [END_OF_TEXT, END_OF_TURN],
    "do_sample": True,
    "temperature": 0.6,
    "top_p": 0.9,
    "max_new_tokens": 220,
}


def save(network: Llama, tokenizer: Tokenizer, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(named_weights(network), folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **SPECIAL_ROLES,
        "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    files = {
        "config.json": model_config(tokenizer.get_vocab_size()),
        "generation_config.json": GENERATION_CONFIG,
        "tokenizer_config.json": tokenizer_config,
        "special_tokens_map.json": SPECIAL_ROLES,
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
