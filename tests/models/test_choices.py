"""A value that is none of those allowed is refused with those that are."""

from typing import Annotated, Literal

import msgspec
import pytest

from memory_mcp.models.choices import complaint

Size = Literal["small", "large"]


class Box(msgspec.Struct):
    size: Annotated[Size, msgspec.Meta(description="how large")] | None = None
    others: list["Box"] = []
    labels: dict[str, Literal["red", "it's"]] = {}


class Shelf(msgspec.Struct, tag="shelf"):
    boxes: tuple[Box, ...] = ()


class Rack(msgspec.Struct, tag="rack"):
    sizes: list[Size] = []


@pytest.mark.parametrize(
    ("wanted", "value", "sentence"),
    [
        (Size, "huge", "Invalid enum value 'huge' (allowed: 'small', 'large')"),
        (Box, {"size": "huge"}, "Invalid enum value 'huge' (allowed: 'small', 'large') - at `$.size`"),
        (
            Box,
            {"others": [{"size": "x"}]},
            "Invalid enum value 'x' (allowed: 'small', 'large') - at `$.others[0].size`",
        ),
        (
            Shelf | Rack,
            {"type": "shelf", "boxes": [{"others": [{"size": "x"}]}]},
            "Invalid enum value 'x' (allowed: 'small', 'large') - at `$.boxes[0].others[0].size`",
        ),
        (
            Shelf | Rack,
            {"type": "rack", "sizes": ["small", "x"]},
            "Invalid enum value 'x' (allowed: 'small', 'large') - at `$.sizes[1]`",
        ),
        (
            Box,
            {"labels": {"a": "blue"}},
            "Invalid enum value 'blue' (allowed: 'red', \"it's\") - at `$.labels[...]`",
        ),
        (Box, {"size": 5}, "Expected `str | null`, got `int` - at `$.size`"),
    ],
)
def test_the_sentence_names_what_is_allowed(wanted: object, value: object, sentence: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, wanted)

    assert complaint(refused.value, wanted) == sentence
