#!/usr/bin/env python3
"""Look at what a trained storyteller says, and count how often it says what was asked for.

Prints sampled answers to prompts from inside and outside its world, a conversation, how often the
animal, the name and the thing of a prompt come back, and how many questions about held-out stories
are answered right.
"""
import argparse
import json
import random
import re
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "Tell me a story about a fox named Lily who finds a map.",
    "Write a short story about a hedgehog named Beatrix who finds a silver key.",
    "Tell me a story about a robot named Zed who is afraid of the dark.",
    "Can you tell me a story about a dragon who wants to learn to swim?",
    "Write a story about a whale and a pirate.",
    "Tell me a story about a kangaroo named Gwendolyn who loses her sunglasses.",
    "Write a scary story about a vampire who lives in a refrigerator.",
    "Make a story about friendship in space.",
    "What is the tallest mountain in the world?",
    "Hi, can you help me with my homework?",
    "Once there was a cat who loved to paint. Continue the story.",
    "why did the chicken cross the road",
    "Anna found a red ball in the park. She gave it to Ben. Who found the ball?",
    "Tell me a story about a girl who builds a telescope with her grandfather.",
]
FOLLOW_UPS = [
    "Who found the map?",
    "What did they find at the end?",
    "Where did Lily live?",
    "Who helped Lily?",
    "Thank you!",
]
# Kinds, names and things that the grammar has, and such that it has not.
KNOWN_WORDS = (
    "fox bear cat owl rabbit dog frog lion",
    "Lily Tom Mia Oscar Ruby Leo Hugo Nora",
    "map key ring box letter ball hat kite",
)
UNSEEN_WORDS = (
    "kangaroo flamingo gecko magician ostrich jellyfish viking walrus",
    "Gwendolyn Beatrix Zed Marcus Priya Wolfgang Chiyo Kevin",
    "telescope hammer trophy wallet passport bracelet helmet trumpet",
)
STORY_COUNT = 48  # for each kind of words
QUESTION_COUNT = 160
BATCH = 32
STORY_LENGTH = 300  # letters; a longer first message holds a story of the user

Conversation = list[dict[str, str]]


def user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


def assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}


class Storyteller:
    def __init__(self, folder: Path) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._tokenizer.padding_side = "left"
        self._model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()

    @torch.no_grad()
    def answers(
        self, conversations: list[Conversation], limit: int = 220, **options: object
    ) -> list[str]:
        texts = [
            self._tokenizer.apply_chat_template(
                conversation, tokenize=False, add_generation_prompt=True
            )
            for conversation in conversations
        ]
        inputs = self._tokenizer(
            texts, return_tensors="pt", padding=True, add_special_tokens=False,
            return_token_type_ids=False,
        )
        rows = self._model.generate(
            **inputs, max_new_tokens=limit, pad_token_id=1, eos_token_id=[1, 4], **options
        )
        start = inputs.input_ids.shape[1]
        return [
            self._tokenizer.decode(row[start:], skip_special_tokens=True).strip() for row in rows
        ]

    def greedy(self, conversation: Conversation, limit: int = 220) -> str:
        return self.answers([conversation], limit, do_sample=False)[0]


def show_samples(storyteller: Storyteller) -> None:
    torch.manual_seed(3)
    for number, prompt in enumerate(PROMPTS, start=1):
        answer = storyteller.answers(
            [[user(prompt)]], do_sample=True, temperature=0.6, top_p=0.9, top_k=0
        )[0]
        print(f"\n[{number}] USER: {prompt}\nASSISTANT: {answer}", flush=True)


def show_conversation(storyteller: Storyteller) -> None:
    conversation: Conversation = []
    print("\nA conversation, greedy")
    for number, question in enumerate([PROMPTS[0], *FOLLOW_UPS]):
        conversation.append(user(question))
        answer = storyteller.greedy(conversation, 40 if number else 220)
        conversation.append(assistant(answer))
        print(f"USER: {question}\nASSISTANT: {answer}", flush=True)


def names_word(text: str, word: str) -> bool:
    pattern = r"(?<![A-Za-z])" + re.escape(word) + r"(?![A-Za-z])"
    return re.search(pattern, text, re.IGNORECASE) is not None


def count_words(
    storyteller: Storyteller, label: str, words: tuple[str, ...], generator: random.Random
) -> None:
    """How many stories name the kind, the name and the thing that the prompt asks for."""
    lists = [choices.split() for choices in words]
    asked = [[generator.choice(choices) for choices in lists] for _ in range(STORY_COUNT)]
    prompts = [
        [user(f"Tell me a story about a {kind} named {name} who finds a {thing}.")]
        for kind, name, thing in asked
    ]
    stories = storyteller.answers(prompts, do_sample=False)
    hits = [
        [names_word(story, word) for word in wanted] for story, wanted in zip(stories, asked)
    ]
    kinds, names, things = (sum(column) for column in zip(*hits))
    ended = sum(story.rstrip()[-1:] in '.!?"' for story in stories)
    print(f"\n{label}, of {STORY_COUNT} stories: kind {kinds}, name {names}, thing {things},"
          f" all three {sum(map(all, hits))}; ended {ended}")


def held_out_questions(path: Path) -> list[tuple[Conversation, str]]:
    """Questions about a story that is in the conversation, with the grammar's answer."""
    questions = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            messages = json.loads(line)
            story_given = len(messages[0]["content"]) > STORY_LENGTH
            for index in range(1, len(messages), 2):
                asks = messages[index - 1]["content"].endswith("?")
                if asks and (index > 1 or story_given):
                    questions.append((messages[:index], messages[index]["content"]))
    return questions[:QUESTION_COUNT]


def agrees(answer: str, expected: str) -> bool:
    """By first and last word: rough, but no two answers of one question pass for each other."""
    wanted, given = expected.rstrip(".").split(), answer.rstrip(".").split() or [""]
    same_start = wanted[0] == given[0]
    if wanted[0] not in ("The", "It", "They", "Yes,") and not same_start:
        return False
    return wanted[-1] == given[-1] or (same_start and wanted[-1] in answer)


def count_answers(storyteller: Storyteller, path: Path) -> None:
    questions = held_out_questions(path)
    right, wrong = 0, []
    for start in range(0, len(questions), BATCH):
        batch = questions[start : start + BATCH]
        answers = storyteller.answers(
            [conversation for conversation, _ in batch], 40, do_sample=False
        )
        for (conversation, expected), answer in zip(batch, answers):
            if agrees(answer, expected):
                right += 1
            else:
                wrong.append((conversation[-1]["content"][-60:], expected, answer))
    print(f"\nquestions right (first and last word agree): {right} of {len(questions)}")
    for question, expected, answer in wrong[:6]:
        print(f"  {question!r}: expected {expected!r}, got {answer!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("held_out", type=Path, help="conversations the model has not seen")
    arguments = parser.parse_args()
    storyteller = Storyteller(arguments.folder)
    show_samples(storyteller)
    show_conversation(storyteller)
    generator = random.Random(5)
    count_words(storyteller, "known words", KNOWN_WORDS, generator)
    count_words(storyteller, "unseen words", UNSEEN_WORDS, generator)
    count_answers(storyteller, arguments.held_out)
    start = time.time()
    storyteller.answers([[user(PROMPTS[0])]], 200, do_sample=False, min_new_tokens=200)
    print(f"one request: {200 / (time.time() - start):.0f} tokens/s")


if __name__ == "__main__":
    main()
