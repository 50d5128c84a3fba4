"""This module defines what the user asks for in an agent's session, and which of it is the task."""

from collections.abc import Sequence

from msgspec import Struct

_LEAST_WORDS = 3  # of a prompt that says what to do: 'hi' and 'go on' do not


class Prompt(Struct, frozen=True, array_like=True):
    """What the user asked for, before any step was made for it."""

    text: str
    at: int


def task_of(prompts: Sequence[Prompt]) -> tuple[str, Sequence[Prompt]]:
    """Return the first prompt that says what to do, else the last one, and the prompts after it."""
    told = (at for at, prompt in enumerate(prompts) if len(prompt.text.split()) >= _LEAST_WORDS)
    chosen = next(told, len(prompts) - 1)
    return (prompts[chosen].text, prompts[chosen + 1 :]) if prompts else ("", ())
