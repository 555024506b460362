#!/usr/bin/env python3
"""Write the training text: chat conversations drawn from a small story grammar.

One conversation a line, each a JSON list of messages. The same seed gives the same bytes.

grammar.json holds all words and sentences; this file draws from them. In a sentence of the grammar
[a|b|c] is a choice (choices nest, an empty one is allowed) and {name} is a slot. The slots of a
story are filled once, so that the whole conversation agrees on them; {day} and {meet_friend} are
sentences of the grammar, drawn anew each time.

Standard library only.
"""
import argparse
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

Slots = dict[str, str | Callable[[], str]]
Message = dict[str, str]

CHOICE = re.compile(r"\[([^\[\]]*)\]")  # an innermost choice
SLOT = re.compile(r"\{(\w+)\}")
EXPANSION_PASSES = 12  # deeper nesting than any sentence of the grammar has
STORY_ATTEMPTS = 60
QUESTION_ATTEMPTS = 40

# Slots whose value must be in the story if the prompt names it.
NAMED_SLOTS = (
    "hero", "friend", "kind", "friend_kind", "trait", "place", "thing", "described_thing",
    "in_place", "food", "build", "plant", "sight", "skill", "fear", "the_other_place",
)
PLOTS_WITH_LOST_THINGS = ("return", "lost", "sorry")
PLOTS_AT_A_PLACE_ON_LAND = ("gotlost", "lost")
WATERS = ("lake", "river", "bridge", "ocean")


def with_article(noun: str) -> str:
    sounds_open = noun[0] in "aeiou" or noun.startswith("honest")
    return ("an " if sounds_open and not noun.startswith(("uni", "one")) else "a ") + noun


def capitalized(text: str) -> str:
    """Only the first letter changes, unlike str.capitalize."""
    return text[0].upper() + text[1:]


def names_word(text: str, word: str) -> bool:
    pattern = r"(?<![A-Za-z])" + re.escape(word) + r"(?![A-Za-z])"
    return re.search(pattern, text, re.IGNORECASE) is not None


def user(content: str) -> Message:
    return {"role": "user", "content": content}


def assistant(content: str) -> Message:
    return {"role": "assistant", "content": content}


class StoryWriter:
    """Draws conversations. The order of draws is what makes a seed reproducible: keep it."""

    def __init__(self, grammar: dict, seed: int) -> None:
        self._grammar = grammar
        self._random = random.Random(seed)

    def conversation(self) -> list[Message]:
        draw = self._random.random()
        if draw < 0.08:
            return self._small_talk()
        plot, slots = self._make_slots()
        if draw < 0.16:
            return self._story_from_user(plot, slots)
        prompt, moral = self._prompt(plot, slots)
        story = self._story_for(prompt, plot, slots, moral)
        if story is None:
            return self.conversation()
        messages = [user(prompt), assistant(story)]
        if self._random.random() < 0.5:
            messages += self._questions_and_answers(plot, slots, story)
        greet_first = self._random.random() < 0.04
        return self._small_talk() + messages if greet_first else messages

    # Words

    def _choose(self, name: str) -> str:
        return self._random.choice(self._grammar[name])

    def _syllables(self) -> str:
        return "".join(self._choose("syllables") for _ in range(self._random.choice([2, 2, 3])))

    def _invented_word(self) -> str:
        return self._syllables() + self._choose("word_endings")

    def _new_name(self, female: bool) -> str:
        if self._random.random() >= 0.35:
            return self._choose("female_names" if female else "male_names")
        name = self._syllables()
        if self._random.random() < 0.3:
            name += self._choose("name_endings")
        return name.capitalize()

    def _expand(self, text: str, slots: Slots) -> str:
        """Make every choice and fill every slot, innermost first, until nothing is left to do."""
        def fill(match: re.Match) -> str:
            value = slots[match[1]]
            return value() if callable(value) else value

        for _ in range(EXPANSION_PASSES):
            chosen = CHOICE.sub(lambda match: self._random.choice(match[1].split("|")), text)
            expanded = SLOT.sub(fill, chosen)
            if expanded == text:
                break
            text = expanded
        return re.sub(r" +", " ", text).strip()

    # The people, places and things of one story

    def _make_slots(self) -> tuple[str, Slots]:
        draw_female, draw_friend_female = self._random.random() < 0.5, self._random.random() < 0.5
        kind, friend_kind = self._two_kinds()
        fixed = self._grammar["female_kinds"]
        female = fixed.get(kind, draw_female)
        friend_female = fixed.get(friend_kind, draw_friend_female)
        hero, friend = self._new_name(female), self._new_name(friend_female)
        while friend == hero:
            friend = self._new_name(friend_female)
        plot = self._choose_plot()
        thing = self._choose_thing(plot)
        adjective = self._choose("adjectives") if self._random.random() < 0.5 else ""
        place, other_place = self._two_places(plot)
        slots: Slots = {
            "hero": hero,
            "friend": friend,
            "kind": kind,
            "friend_kind": friend_kind,
            "a_kind_only": with_article(kind),
            "article": with_article(kind).split()[0],
            "home": self._grammar["kinds"].get(kind, "house"),
            "a_friend_kind": with_article(friend_kind),
            "thing": thing,
            "place": place,
            "the_other_place": "the " + other_place,
        }
        slots["described_thing"] = f"{adjective} {thing}".strip()
        slots["a_described_thing"] = with_article(slots["described_thing"])
        slots["in_place"] = self._grammar["in_place"].get(place, "in " + with_article(place))
        slots["In_place"] = capitalized(slots["in_place"])
        self._add_details(slots)
        self._add_pronouns(slots, female, friend_female)
        slots["day"] = lambda: self._choose("days")
        slots["meet_friend"] = lambda: self._choose("meetings")
        return plot, slots

    def _two_kinds(self) -> tuple[str, str]:
        # The grammar lists "boy " and "girl " too, with a blank: they are met twice as often, and
        # the blank is lost when the sentence is finished.
        kind, friend_kind = self._random.sample(list(self._grammar["kinds"]), 2)
        if self._random.random() < 0.10:
            known = self._random.random() < 0.7
            kind = self._choose("more_kinds") if known else self._invented_word()
        if self._random.random() < 0.06:
            friend_kind = self._choose("more_kinds")
            kind = kind.strip()
        if kind == friend_kind:
            friend_kind = "mouse" if kind != "mouse" else "owl"
        return kind, friend_kind

    def _choose_plot(self) -> str:
        plots = self._grammar["plots"]
        return self._random.choice([name for name in plots for _ in range(plots[name]["weight"])])

    def _choose_thing(self, plot: str) -> str:
        things = self._grammar["things"]
        thing = self._random.choice(things[self._grammar["plots"][plot]["things"]])
        if plot in PLOTS_WITH_LOST_THINGS:
            draw = self._random.random()
            if draw < 0.08:
                return self._invented_word()
            if draw < 0.2:
                lists = [self._grammar[name] for name in ("foods", "builds", "plants")]
                return self._random.choice(sum(lists, []) + things["open"] + things["lead"])
        return thing

    def _two_places(self, plot: str) -> tuple[str, str]:
        places = self._grammar["places"]
        place, other_place = self._random.sample(places, 2)
        while plot in PLOTS_AT_A_PLACE_ON_LAND and other_place in WATERS:
            other_place = self._random.choice([name for name in places if name != place])
        return place, other_place

    def _add_details(self, slots: Slots) -> None:
        trait, friend_trait = self._choose("traits"), self._choose("traits")
        food, other_food = self._random.sample(self._grammar["foods"], 2)
        slots["build"], slots["plant"] = self._choose("builds"), self._choose("plants")
        slots["treasure"] = self._choose("treasures")
        slots["a_kind"] = with_article(self._choose("kind_prefixes") + slots["kind"])
        slots["sight"], slots["skill"] = self._choose("sights"), self._choose("skills")
        slots["fear"], slots["game"] = self._choose("fears"), self._choose("games")
        slots["weather"] = self._choose("weathers")
        slots["trait"], slots["food"] = trait, food
        slots["a_trait_kind"] = with_article(f"{trait} {slots['kind']}")
        slots["a_trait_friend_kind"] = with_article(f"{friend_trait} {slots['friend_kind']}")
        slots["a_food"], slots["a_other_food"] = with_article(food), with_article(other_food)
        slots["a_build"] = with_article(slots["build"])
        slots["a_plant"] = with_article(slots["plant"])

    @staticmethod
    def _add_pronouns(slots: Slots, female: bool, friend_female: bool) -> None:
        he, him, his = ("she", "her", "her") if female else ("he", "him", "his")
        slots.update(he=he, him=him, his=his, He=he.capitalize(), His=his.capitalize())
        slots["his_own"] = "hers" if female else "his"
        he, him, his = ("she", "her", "her") if friend_female else ("he", "him", "his")
        slots.update(friend_he=he, friend_him=him, friend_his=his, Friend_he=he.capitalize())

    # Stories

    def _story(self, plot: str, slots: Slots, moral: bool | None) -> str:
        """A story; with a moral, without one, or (None) sometimes with one."""
        beats = [self._grammar["openings"], *self._grammar["plots"][plot]["beats"]]
        beats.append(self._grammar["endings"])
        parts = [self._expand(self._random.choice(beat), slots) for beat in beats]
        if moral or (moral is None and self._random.random() < 0.25):
            parts.append(self._random.choice(self._grammar["plots"][plot]["morals"]))
        if self._random.random() < 0.3:
            paragraphs = [parts[:2], parts[2:4], parts[4:]]
            return "\n\n".join(" ".join(paragraph) for paragraph in paragraphs)
        return " ".join(parts)

    def _story_for(
        self, prompt: str, plot: str, slots: Slots, moral: bool | None
    ) -> str | None:
        """A story that holds every word of the slots which the prompt names, if one is found."""
        needed = [slots[name] for name in NAMED_SLOTS if names_word(prompt, slots[name])]
        for _ in range(STORY_ATTEMPTS):
            story = self._story(plot, slots, moral)
            if all(names_word(story, word) for word in needed):
                return story
        return None

    # What the user says

    def _prompt(self, plot: str, slots: Slots) -> tuple[str, bool | None]:
        """A request for the story, and whether it asks for a moral (None: does not say)."""
        draw, filled = self._random.random(), dict(slots)
        ending = self._choose("prompt_endings")
        self._add_deed(plot, filled)
        form = next(form for form in self._grammar["prompts"] if draw < form["below"])
        text, moral = form["text"], form.get("moral")
        if "other_text" in form:
            filled["words"] = self._word_list(plot, slots)
            text = text if self._random.random() < 0.7 else form["other_text"]
        if moral:
            ending = ""
        request = self._expand(text.replace("{ask}", self._grammar["ask"]), filled)
        if self._random.random() < 0.95:
            return capitalized(request + ending), moral
        return request.lower(), moral

    def _add_deed(self, plot: str, slots: Slots) -> None:
        deed = self._expand(self._grammar["plots"][plot]["deed"], slots)
        past = deed
        for verb in ("finds found", "loses lost", "discovers discovered", "builds built",
                     "plants planted"):
            past = past.replace(*verb.split())
        slots["deed"] = deed
        slots["deed_any_tense"] = self._random.choice([deed, deed, past])
        slots["theme"] = self._random.choice(self._grammar["plots"][plot]["themes"])

    def _word_list(self, plot: str, slots: Slots) -> str:
        words = [slots["kind"]]
        if "described_thing}" in self._grammar["plots"][plot]["deed"]:
            words.append(slots["thing"])
        words.append(self._random.choice([slots["place"], slots["friend_kind"], slots["hero"]]))
        self._random.shuffle(words)
        return ", ".join(words[:-1]) + " and " + words[-1]

    def _story_from_user(self, plot: str, slots: Slots) -> list[Message]:
        """The user gives the story and asks about it."""
        story = self._story(plot, slots, moral=False).replace("\n\n", " ")
        question, answer = self._question(plot, slots, story)
        forms = [f"{story} {question}", f"{story}\n\n{question}",
                 f"Read this story: {story} {question}"]
        return [user(self._random.choice(forms)), assistant(answer)]

    def _questions_and_answers(self, plot: str, slots: Slots, story: str) -> list[Message]:
        messages: list[Message] = []
        asked: set[str] = set()
        for _ in range(self._random.choice([1, 1, 2, 3])):
            question, answer = self._question(plot, slots, story)
            if question not in asked:
                asked.add(question)
                messages += [user(question), assistant(answer)]
        return messages

    def _question(self, plot: str, slots: Slots, story: str) -> tuple[str, str]:
        """A question that the story answers: not every story tells home and friend's kind."""
        for _ in range(QUESTION_ATTEMPTS):
            question, answer = self._any_question(plot, slots)
            home_told = "live" not in question or names_word(story, slots["in_place"])
            friend = slots["friend"]
            friend_told = friend not in question or names_word(story, slots["friend_kind"])
            if home_told and friend_told:
                break
        return question, answer

    def _any_question(self, plot: str, slots: Slots) -> tuple[str, str]:
        pairs = []
        for group in self._grammar["questions"]:
            if plot in group.get("plots", [plot]):
                for pair in group["pairs"]:
                    pairs += [pair] * group.get("weight", 1)
        question, answer = self._random.choice(pairs)
        return self._expand(question, slots), self._expand(answer, slots)

    def _small_talk(self) -> list[Message]:
        question, answer = self._choose("small_talk")
        slots: Slots = {"refusal": self._grammar["refusal"]}
        question = question.replace("{!}", self._random.choice(["!", ".", ""]))
        question = question.replace("{.}", self._random.choice([".", "", "!"]))
        question, answer = self._expand(question, slots), self._expand(answer, slots)
        lower = self._random.random() < 0.15
        return [user(question.lower() if lower else question), assistant(answer)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("count", type=int, help="conversations to write")
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    grammar_path = Path(__file__).with_name("grammar.json")
    writer = StoryWriter(json.loads(grammar_path.read_text(encoding="utf-8")), arguments.seed)
    with open(arguments.output, "w", encoding="utf-8", newline="\n") as file:
        for _ in range(arguments.count):
            file.write(json.dumps(writer.conversation(), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
