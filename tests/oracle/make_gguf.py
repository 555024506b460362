#!/usr/bin/env python3
"""Turn a model folder into a GGUF file with llama.cpp's own scripts, or a GGUF file into a folder.

The way back makes float32 weights of whatever is in the file, so that transformers can say what a
quantized model computes. Config and tokenizer of that folder come from the one it was made from.

Needs llama.cpp's convert_hf_to_gguf.py, gguf, PyTorch, safetensors. A developer's script: no build
or test runs it.
"""
import argparse
import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import gguf
import numpy
import torch
from safetensors.torch import save_file

CONVERTER = "/usr/share/doc/llama.cpp-tools/scripts/convert_hf_to_gguf.py"
PRIVATE_MODULES = "/usr/share/llama.cpp/llama.cpp-tools"
PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def to_gguf(folder: Path, output: Path, dtype: str, pre: str) -> None:
    # The converter knows split patterns by a hash of published vocabularies; ours are not.
    sys.path.insert(1, PRIVATE_MODULES)
    from conversion.base import TextModel

    TextModel.get_vocab_base_pre = lambda self, tokenizer: pre
    sys.argv = [CONVERTER, str(folder), "--outfile", str(output), "--outtype", dtype]
    runpy.run_path(CONVERTER, run_name="__main__")


def folder_name(name: str) -> str | None:
    if name in WHOLE:
        return WHOLE[name]
    found = re.fullmatch(r"blk\.(\d+)\.(\w+)\.(weight|bias)", name)
    return found and f"model.layers.{found[1]}.{PARTS[found[2]]}.{found[3]}"


def unpaired(rows: numpy.ndarray, heads: int) -> numpy.ndarray:
    """Heads of q and k with the rotated halves one after the other again."""
    pairs = rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:])
    return pairs.swapaxes(1, 2).reshape(rows.shape)


def to_folder(source: Path, like: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in like.iterdir():
        if path.suffix != ".safetensors":
            shutil.copy(path, folder)
    config = json.loads((like / "config.json").read_text(encoding="utf-8"))
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    config["torch_dtype"] = "float32"
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    weights = {}
    for tensor in gguf.GGUFReader(source).tensors:
        name = folder_name(tensor.name)
        if name is None:
            continue
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        part = tensor.name.split(".")[2:3]
        if config["model_type"] == "llama" and part and part[0] in heads:
            values = unpaired(values, heads[part[0]])
        weights[name] = torch.from_numpy(numpy.ascontiguousarray(values, dtype=numpy.float32))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="a folder, or a GGUF file")
    parser.add_argument("output", type=Path)
    parser.add_argument("--type", default="bf16", help="of the matrices of a GGUF file")
    parser.add_argument("--pre", default="llama-bpe", help="name of the split pattern")
    parser.add_argument("--like", type=Path, help="the folder that a GGUF file was made from")
    arguments = parser.parse_args()
    if arguments.source.is_dir():
        to_gguf(arguments.source, arguments.output, arguments.type, arguments.pre)
    else:
        to_folder(arguments.source, arguments.like, arguments.output)


if __name__ == "__main__":
    main()
