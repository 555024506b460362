"""Blocks of the GGUF formats as llama.cpp writes them, with the numbers they stand for.

Usage: block_goldens.py > tests/golden/block_formats.txt

Needs libggml-base (llama.cpp) and the Python package gguf; the two must agree on every bit. Of
each format there are blocks encoded from normal numbers, and blocks of random bytes, whose scales
are then negative, subnormal or zero.
"""

import ctypes

import gguf
import numpy as np

FORMATS = {"q8_0": (32, 34), "q4_0": (32, 18), "q4_K": (256, 144), "q6_K": (256, 210)}
SCALES = {"q8_0": [0], "q4_0": [0], "q4_K": [0, 2], "q6_K": [208]}  # byte offsets of fp16 numbers
ODD_SCALES = [0x0001, 0x83FF, 0x0000, 0xB155]  # subnormal, negative subnormal, zero, negative

ggml = ctypes.CDLL("libggml-base.so.0")


def encode(name, values):
    out = np.zeros(FORMATS[name][1], dtype=np.uint8)
    getattr(ggml, f"quantize_row_{name}_ref")(
        values.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(values.size),
    )
    return out


def decode(name, block):
    out = np.zeros(FORMATS[name][0], dtype=np.float32)
    getattr(ggml, f"dequantize_row_{name}")(
        block.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(out.size),
    )
    kind = getattr(gguf.GGMLQuantizationType, name.upper())
    other = gguf.quants.dequantize(block.reshape(1, -1), kind).reshape(-1)
    assert np.array_equal(out.view(np.uint32), other.astype(np.float32).view(np.uint32)), name
    return out


def show(name, block):
    print(name.lower(), block.tobytes().hex(), decode(name, block).tobytes().hex())


random = np.random.default_rng(7)
for name, (elements, size) in FORMATS.items():
    for deviation in (0.02, 1.0):
        show(name, encode(name, random.normal(0, deviation, elements).astype(np.float32)))
    for scale in ODD_SCALES if elements == 32 else ODD_SCALES[:2]:
        block = random.integers(0, 256, size, dtype=np.uint8)
        for offset in SCALES[name]:
            block[offset : offset + 2] = np.frombuffer(np.uint16(scale).tobytes(), np.uint8)
        show(name, block)
