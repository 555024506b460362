"""Inputs of the golden files: strings that break tokenizers, and conversations for chat templates.

Every string is valid Unicode without lone surrogates, so it survives UTF-8 and JSON unchanged.
Each group is there for a class of mistakes that real tokenizers have made.
"""

TEXTS = [
    # nothing, and almost nothing
    "",
    " ",
    "\n",
    "a",
    "\t",
    "   ",
    # plain prose, contractions in every case, code
    "The quick brown fox jumps over the lazy dog.",
    "It's what they'll say: I'M sure we'Ve SEEN it, don't you'd? 'tis the dogs' 's",
    "def fib(n):\n    return n if n < 2 else fib(n-1) + fib(n-2)\n",
    'for (int i = 0; i < 10; ++i) { printf("%d\\n", v[i]); }  // end',
    '{"name": "value", "list": [1, 2, 3], "nested": {"flag": true}}',
    "https://example.org/a/b?c=d&e=%20f#g user@example.org",
    # words that the Llama-3 kind of tokenizer has whole but no merge makes, and longer words
    "day day not there at last alone; Then Daisy, Jack, Gus and Ivy am from a house door. In wind",
    " days notes theres doorstep windy Jacks Daisys houses stepping showed shower Thenceforth",
    # white space: leading, trailing, runs, every kind of line end
    " leading space",
    "    four leading spaces",
    "trailing space ",
    "trailing spaces    ",
    "  leading spaces\tand\ttabs\n\n\nnewlines  ",
    "dos\r\nlines\r\n\r\nand\n\nunix\rand mac\r\r end\r",
    "line \n with spaces \n  around \n\n   newlines\n ",
    "no\u00a0break\u2003em\u3000ideographic\u2028line\u2029paragraph\u0085next\u000bvt\u000cff",
    "word  word   word    word     word",
    # digits: runs are cut in threes by one pattern, kept whole by the other
    "1 12 123 1234 12345 123456 1234567890123456789012345678901234567890",
    "3.14159, 1e-10, 0x7fff, 1_000_000, 12:34:56, 2024-02-29, v1.2.3-rc4",
    "①②③ ½ ¾ x² Ⅷ ٣٤٥ ४५६ ７８９",
    # punctuation
    "!!! ??? ... ---- ____ **** //// \\\\\\\\ (([[{{}}]])) <<>> ~`@#$%^&*+=|",
    "naïve café — “quotes” … ‘single’ «guillemets» •·→ €5 £3",
    # scripts
    "Zażółć gęślą jaźń, Příliš žluťoučký kůň, Straße, İstanbul, ŒUVRE",
    "Привет, мир! مرحبا بالعالم שלום עולם",
    "日本語のテキストと漢字、カタカナ。今天天气很好。안녕하세요 세계",
    "नमस्ते दुनिया สวัสดีชาวโลก ഒരു ভাষা",
    # right to left with marks and explicit direction controls
    "\u202bעברית עם אנגלית abc 123\u202c ثم العربية \u200fend\u200e",
    "שָׁלוֹם עֲלֵיכֶם מُحَمَّد",
    # combining marks: composed, decomposed, stacked; letters that are no letters and reverse
    "e\u0301 = \u00e9, A\u030a = \u00c5 = \u212b, n\u0303o, q\u0307\u0323",
    "Z\u0335\u0321\u0322a\u0336\u0301\u0302\u0303\u0304l\u0334\u0327g\u0330\u0331\u0332o",
    # letters outside the basic plane: CJK extension B, mathematical bold, Deseret, Gothic
    "\U00020000\U00020001 extension \U0002a6b2",
    "\U0001d400\U0001d401\U0001d402 math \U0001d7d8\U0001d7d9 digits \U0001d504x",
    "\U00010400\U00010401\U00010428 deseret \U00010330\U00010331 gothic",
    "a\U00020000b\U0001d400c\U00010400d 1\U0001d7ce2",
    # emoji: joined families, flags, skin tones, keycaps, variation selectors
    "👩‍👩‍👧‍👦🏳️‍🌈👋🏽🇩🇪🇯🇵1️⃣❤️🫠",
    "mixed 😀text😂 with👍emoji 🎉!",
    "\U0001f468\u200d\U0001f4bb\u200d\u200d",
    # control characters, byte order mark, zero width, private use, noncharacters
    "\u0000\u0001\ufeff\u200b zero width",
    "nul\u0000in\u0000the\u0000middle",
    "\ufeffBOM first",
    "\u007f\u0080\u009f\u00ad soft\u00adhyphen \u2060\u180e",
    "\ue000\uf8ff\U000f0000 private \ufffd\ufffe\uffff\U0010ffff",
    # special tokens written by a user
    "<|begin_of_text|>literal special<|eot_id|> in text",
    "<|eot_id|>",
    "<|eot_id|><|eot_id|> <|eot_id|>\n<|eot_id|>x",
    "<|im_start|>system\nignore<|im_end|>\n<|im_start|>",
    "<|eot_id <|eot_id| |eot_id|> <|EOT_ID|> <|eot_id|",
    "<|tool|> plain added token<|tool|>s",
    # long: quadratic merges, one word without a break, a word of the corpus repeated
    "a" * 300,
    "ab" * 150,
    "x" * 63 + " " * 65 + "y",
    "=" * 100 + "\n" + "-" * 100,
    "the" * 60,
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
]


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


CONVERSATIONS = [
    [_message("user", "Hello")],
    [
        _message("system", " Be brief. "),
        _message("user", "2+2?"),
        _message("assistant", "4"),
        _message("user", "3+3?\n"),
    ],
    [_message("system", "You are a storyteller."), _message("user", "Tell me a story.")],
    [
        _message("user", "  Who found the map?  "),
        _message("assistant", "\n\nLily found the map.\n"),
        _message("user", "Where?"),
        _message("assistant", "In the grass."),
        _message("user", "Thank you!"),
    ],
    [_message("user", "日本語で 👩‍👩‍👧‍👦 “ok”?\r\nsecond line\t<b>&amp;</b> {{ x }} {% y %}")],
    [_message("user", "<|eot_id|><|im_end|> is only text here")],
    [_message("user", "")],
    [_message("user", "Continue."), _message("assistant", "Once upon a time")],
]

# A template that insists on user and assistant in turns must refuse this one.
CONVERSATION_OUT_OF_TURN = [_message("user", "first"), _message("user", "second")]
