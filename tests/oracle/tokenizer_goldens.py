#!/usr/bin/env python3
"""Train small tokenizers with Hugging Face tokenizers and write what it makes of random strings.

One tokenizer for each family of components. Beside NAME.json goes NAME.jsonl: texts with their
ids, and random ids with the text they decode to. Every plane of Unicode, white space of all kinds
and the tokenizer's own added tokens occur in the texts.

Training is not the same twice, so a NAME.json that is there already is kept.

Where a run of byte tokens is partly valid UTF-8 the library turns the whole run into U+FFFD, which
text that streams out cannot do; such ids are left out.

A developer's script: no build or test runs it. `--cases 100000` makes a set for one large
comparison (NANOFLOW_TOKENIZER_GOLDENS names its folder to the tests).
"""
import argparse
import base64
import io
import json
import random
import re
import tempfile
import unicodedata
from pathlib import Path

import sentencepiece
from texts import TEXTS
from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
WHITE_SPACE = " \u00a0\u2003\u3000\t\n\r\u2028\u0085\u000b"
PLANES = [(0x20, 0x7e), (0xa0, 0x24f), (0x250, 0x7ff), (0x800, 0x1fff), (0x2000, 0x2fff),
          (0x3000, 0xd7ff), (0xe000, 0xffff), (0x10000, 0x1ffff), (0x20000, 0x323af),
          (0xe0000, 0x10ffff)]
RUNS = [(0x300, 0x345), (0x1100, 0x11ff), (0xac00, 0xac80), (0x1f300, 0x1f64f), (0xfb00, 0xfb06),
        (0xff01, 0xff9f), (0x0, 0x1f), (0x2000, 0x206f), (0x41, 0x7a), (0x30, 0x39)]
SIGNS = ["\u2581", "##", "</w>", "<0x41>", "'s", "n't", "'", ".", " .", " , ", "|", "<pad>",
         "\ufeff", "\u200d", "\ufe0f", "\ufffd", "\u0130", "\u017f", "\u1e9e", "\u03a3", "\u212a"]


def corpus() -> list[str]:
    return (HERE / "corpus.txt").read_text(encoding="utf-8").splitlines() + TEXTS


def edit(tokenizer: Tokenizer, change) -> Tokenizer:
    data = json.loads(tokenizer.to_str())
    change(data)
    return Tokenizer.from_str(json.dumps(data))


def train(tokenizer: Tokenizer, trainer: trainers.Trainer) -> Tokenizer:
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def train_on_latin(tokenizer: Tokenizer, trainer: trainers.Trainer) -> Tokenizer:
    """A unigram vocabulary has every character that it was trained on."""
    tokenizer.train_from_iterator([t for t in corpus() if all(ord(c) < 0x250 for c in t)], trainer)

    def round_scores(data: dict) -> None:
        # Short numbers: the library's JSON reader is not exact in the last bit of long ones.
        data["model"]["vocab"] = [[t, round(score, 4)] for t, score in data["model"]["vocab"]]
    return edit(tokenizer, round_scores)


def byte_level() -> Tokenizer:
    """GPT-2's kind, with added tokens of every flag."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel()
    train(tokenizer, trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>"], show_progress=False))
    tokenizer.add_tokens([
        AddedToken("<left>", lstrip=True), AddedToken("<right>", rstrip=True),
        AddedToken("<both>", lstrip=True, rstrip=True, normalized=False),
        AddedToken("word", single_word=True), AddedToken("raw", single_word=True, normalized=False),
        AddedToken("A\u030a"), AddedToken("<left><x>"), AddedToken("<x><right>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<|end|>", rstrip=True), "<|end|>more"])
    return tokenizer


def byte_fallback() -> Tokenizer:
    """Llama 2's kind."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
        decoders.Strip(" ", 1, 0)])
    train(tokenizer, trainers.BpeTrainer(
        vocab_size=700, limit_alphabet=90, show_progress=False, special_tokens=[
            "<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)])

    def only_three_are_special(data: dict) -> None:
        data["added_tokens"] = data["added_tokens"][:3]
    tokenizer = edit(tokenizer, only_three_are_special)
    tokenizer.add_tokens(["<tool>"])
    return tokenizer


def gemma_style() -> Tokenizer:
    """Spaces replaced by a normalizer, no prefix, split by merging with the previous."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=False, fuse_unk=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("\u2581", "merged_with_next"), pre_tokenizers.Digits(True),
        pre_tokenizers.Punctuation("contiguous")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.Fuse()])
    train(tokenizer, trainers.BpeTrainer(
        vocab_size=500, limit_alphabet=120, show_progress=False, special_tokens=["<unk>", "<bos>"]))
    tokenizer.add_tokens([AddedToken("<turn>", normalized=True), AddedToken("two words")])
    return tokenizer


def unigram_bytes() -> Tokenizer:
    """Unigram with bytes for what the vocabulary lacks."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    tokenizer = train_on_latin(tokenizer, trainers.UnigramTrainer(
        vocab_size=400, show_progress=False, special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>"))

    def add_bytes(data: dict) -> None:
        vocabulary = data["model"]["vocab"]
        vocabulary[:] = vocabulary[:500] + [[f"<0x{b:02X}>", -100.0] for b in range(256)]
        data["model"]["byte_fallback"] = True
    tokenizer = edit(tokenizer, add_bytes)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer


def charsmap() -> str:
    """A SentencePiece character map of a few rules, as base64."""
    rules = {"\ufb01": "fi", "\uff21": "A", "A\u030a": "\u00c5", "\u00bd": "1/2", "\u3000": " ",
             "\u2003": " ", "\t": " ", "\n": " ", "\u00ad": "", "e\u0301": "\u00e9", "\u1e9e": "SS",
             "\u0130": "i", "\U0001d400": "A", "\U0001f600": ":)", "\u200d": "", "...": "\u2026",
             "ab": "X"}
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tsv") as table:
        for source, target in rules.items():
            table.write("\t".join(" ".join(f"{ord(c):X}" for c in side)
                                  for side in (source, target)) + "\n")
        table.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()), model_writer=model, vocab_size=400,
            model_type="bpe", character_coverage=0.98, normalization_rule_tsv=table.name,
            minloglevel=2, hard_vocab_limit=False)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    data = processor.serialized_model_proto()
    # normalizer_spec (field 3) > precompiled_charsmap (field 2), read without the protobuf library
    return base64.b64encode(field(field(data, 3), 2)).decode()


def field(message: bytes, wanted: int) -> bytes:
    """The last length-delimited field of that number."""
    at, found = 0, b""

    def varint() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 2:
            size = varint()
            if key >> 3 == wanted:
                found = message[at:at + size]
            at += size
        elif key & 7 == 0:
            varint()
        else:
            at += 4 if key & 7 == 5 else 8
    return found


def unigram_charsmap() -> Tokenizer:
    """T5's kind: a precompiled character map, unknown characters fused."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Precompiled(base64.b64decode(charsmap())),
        normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "\u2581")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    tokenizer = train_on_latin(tokenizer, trainers.UnigramTrainer(
        vocab_size=400, show_progress=False, special_tokens=["<unk>", "<mask>"],
        unk_token="<unk>"))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    return tokenizer


def word_piece() -> Tokenizer:
    """BERT's kind."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=12))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    train(tokenizer, trainers.WordPieceTrainer(
        vocab_size=800, limit_alphabet=150, show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tokenizer


def word_piece_cased() -> Tokenizer:
    """Accents and case kept, no clean-up of the decoded text."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")])
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    return train(tokenizer, trainers.WordPieceTrainer(
        vocab_size=500, limit_alphabet=150, show_progress=False,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))


def word_level() -> Tokenizer:
    """Whole words, no decoder: tokens are joined with spaces."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Strip(), normalizers.NFD(), normalizers.StripAccents(),
        normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return train(tokenizer, trainers.WordLevelTrainer(
        vocab_size=300, show_progress=False, special_tokens=["<unk>", "<s>"]))


def word_ends() -> Tokenizer:
    """CLIP's kind: the end of a word is part of its last token."""
    tokenizer = Tokenizer(models.BPE(
        unk_token="<unk>", end_of_word_suffix="</w>", continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    return train(tokenizer, trainers.BpeTrainer(
        vocab_size=500, limit_alphabet=100, show_progress=False, special_tokens=["<unk>", "<s>"],
        end_of_word_suffix="</w>", continuing_subword_prefix="##"))


def characters() -> Tokenizer:
    """Speech models' kind: one character each, repeats collapse when decoded."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.CharDelimiterSplit("|"), pre_tokenizers.FixedLength(length=2)])
    tokenizer.decoder = decoders.CTC(pad_token="<pad>", word_delimiter_token="|", cleanup=True)
    return train(tokenizer, trainers.WordLevelTrainer(
        vocab_size=300, show_progress=False, special_tokens=["<pad>", "|", "<unk>"]))


FAMILIES = [byte_level, byte_fallback, gemma_style, unigram_bytes, unigram_charsmap, word_piece,
            word_piece_cased, word_level, word_ends, characters]


def newer_characters() -> set[str]:
    """What the library's older tables of Unicode take for something else than Python's do."""
    bert = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    marks, signs = normalizers.StripAccents(), pre_tokenizers.Punctuation()
    newer = set()
    for c in map(chr, [*range(0x80, 0xd800), *range(0xe000, 0x20000)]):
        category, text = unicodedata.category(c), f"a{c}b"
        is_mark, is_sign = category[0] == "M", category[0] == "P"
        dropped = category in ("Mn", "Cc", "Cf", "Co") or c == "\ufffd" or c == "\x85"
        if ((marks.normalize_str(text) == "ab") != is_mark
                or (len(signs.pre_tokenize_str(text)) == 3) != is_sign
                or (bert.normalize_str(text) == "ab") != dropped
                or normalizers.NFKC().normalize_str(c) != unicodedata.normalize("NFKC", c)):
            newer.add(c)
    return newer


NEWER = newer_characters()


def random_fragment(source: random.Random, words: list[str], specials: list[str]) -> str:
    kind = source.random()
    if kind < 0.35:
        return source.choice(words)
    if kind < 0.5:
        return source.choice(WHITE_SPACE) if source.random() < 0.3 else " "
    if kind < 0.6:
        return source.choice(specials + SIGNS)
    first, last = source.choice(PLANES if kind < 0.8 else RUNS)
    count = 1 if kind < 0.8 else source.randint(1, 4)
    return "".join(random_character(source, first, last) for _ in range(count))


def random_character(source: random.Random, first: int, last: int) -> str:
    """An assigned one: what is not assigned yet differs between versions of Unicode."""
    while True:
        c = chr(source.randint(first, last))
        if unicodedata.category(c) not in ("Cn", "Cs") and c not in NEWER:
            return c


def random_ids(source: random.Random, tokenizer: Tokenizer, size: int) -> list[int]:
    ids = [source.randrange(size) for _ in range(source.randint(0, 8))]
    return [i for i in ids for _ in range(source.choice([1, 1, 1, 2]))
            if tokenizer.id_to_token(i) is not None]


def streams_alike(tokenizer: Tokenizer, ids: list[int]) -> bool:
    """No run of byte tokens is partly valid UTF-8."""
    if "ByteFallback" not in str(tokenizer.decoder):
        return True
    run = b""
    for token in [tokenizer.id_to_token(i) for i in ids] + [""]:
        if re.fullmatch("<0x[0-9A-F]{2}>", token):
            run += bytes([int(token[3:5], 16)])
            continue
        lossy = run.decode(errors="surrogateescape")
        bad = sum(0xdc80 <= ord(c) <= 0xdcff for c in lossy)
        if 0 < bad < len(lossy):
            return False
        run = b""
    return True


def write_cases(path: Path, tokenizer: Tokenizer, count: int, seed: int) -> None:
    source = random.Random(seed)
    words = [w for line in corpus() for w in line.split()]
    vocabulary = tokenizer.get_vocab()
    words += sorted(w for w in vocabulary if len(w) > 1)
    added = sorted(tokenizer.get_added_tokens_decoder().items())
    specials = [token.content for _, token in added]
    special_ids = [i for i, token in added if token.special]
    size = max(vocabulary.values()) + 1
    with path.open("w", encoding="utf-8", newline="\n") as out:
        def write(entry: dict) -> None:
            out.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n")
        for _ in range(count):
            text = "".join(random_fragment(source, words, specials)
                           for _ in range(source.randint(0, 8)))[:80]
            write({"text": text, "ids": tokenizer.encode(text).ids})
        for _ in range(count // 4):
            ids = random_ids(source, tokenizer, size)
            plain = [i for i in ids if i not in special_ids]
            if streams_alike(tokenizer, ids) and streams_alike(tokenizer, plain):
                write({"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False),
                       "skipped": tokenizer.decode(ids, skip_special_tokens=True)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for family in FAMILIES:
        name = family.__name__.replace("_", "-")
        path = arguments.folder / f"{name}.json"
        if not path.exists():
            text = json.dumps(json.loads(family().to_str()), ensure_ascii=False,
                              separators=(",", ":"))
            path.write_text(text + "\n", encoding="utf-8")
        # Read back what was written: training leaves details that the file does not have.
        tokenizer = Tokenizer.from_file(str(path))
        write_cases(path.with_suffix(".jsonl"), tokenizer, arguments.cases, arguments.seed)
        print(name, tokenizer.get_vocab_size(), path.stat().st_size,
              path.with_suffix(".jsonl").stat().st_size)


if __name__ == "__main__":
    main()
