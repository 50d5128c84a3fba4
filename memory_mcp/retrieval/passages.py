"""This module finds the passage of a text that a question matches best."""

from collections.abc import Iterator, Mapping

PASSAGE_CHARACTERS, LESSON_CHARACTERS = 240, 160
_LEAST_BESIDE = 60  # characters; a shorter piece beside a task says nothing
_LOOKED_AT = 20_000  # characters of a record
_MOST_PLACES = 200
_SHORTEST_STEM = 4
_BEFORE = 40  # characters shown ahead of the first word that matches, and at most a quarter


def best_passage(text: str, weights: Mapping[str, float], longest: int = PASSAGE_CHARACTERS) -> str:
    """Return the stretch of at most so many characters whose matched words weigh most, with … where it is cut.

    A word is looked for by its beginning, as the index finds other forms of it too. The beginning of the text stands
    where no word does.
    """
    whole = " ".join(text[:_LOOKED_AT].split())
    if len(whole) <= longest:
        return whole
    before = min(_BEFORE, longest // 4)
    places = sorted(_places(whole.lower(), weights))[:_MOST_PLACES]
    best_weight, best_start = 0.0, 0
    for number, (start, _, _) in enumerate(places):
        within: dict[str, float] = {}
        for place, word, weight in places[number:]:
            if place + len(word) > start + longest - before:
                break
            within[word] = weight
        if sum(within.values()) > best_weight:
            best_weight, best_start = sum(within.values()), start
    return _cut(whole, best_start, longest, before)


def task_passage(task: str, rest: str, shown: str, weights: Mapping[str, float]) -> str:
    """Return a short task with the passage of the rest that holds matched words which neither it nor `shown` holds.

    Of a long task or a task without room beside it, only the best passage is returned.
    """
    head = " ".join(task.split())
    room = PASSAGE_CHARACTERS - len(head) - 1
    missing = {word: weight for word, weight in weights.items() if not _holds(f"{head} {shown}", word)}
    if room < 0:
        return best_passage(f"{task}\n{rest}", weights)
    if room < _LEAST_BESIDE or not any(_holds(rest[:_LOOKED_AT], word) for word in missing):
        return head
    beside = best_passage(rest, missing, room)
    return f"{head} {beside}" if beside.startswith("…") else f"{head} …{beside}"[:PASSAGE_CHARACTERS]


def _holds(text: str, word: str) -> bool:
    return _stem(word) in text.lower()


def _stem(word: str) -> str:
    return word[: max(_SHORTEST_STEM, len(word) - 2)]


def _places(lower: str, weights: Mapping[str, float]) -> Iterator[tuple[int, str, float]]:
    for word, weight in weights.items():
        stem = _stem(word)
        at = lower.find(stem)
        count = 0
        while at >= 0 and count < _MOST_PLACES:
            yield at, word, weight
            count += 1
            at = lower.find(stem, at + len(stem))


def _cut(text: str, start: int, longest: int, before: int) -> str:
    """Cut so many characters at blanks, around a place; the marks of the cuts count."""
    begin = max(0, start - before)
    if begin:
        blank = text.find(" ", begin, start)
        begin = blank + 1 if blank >= 0 else start
    end = begin + longest - 2
    if end < len(text):
        blank = text.rfind(" ", begin, end)
        end = blank if blank > begin + longest // 2 else end
    return f"{'…' if begin else ''}{text[begin:end].strip()}{'…' if end < len(text) else ''}"
