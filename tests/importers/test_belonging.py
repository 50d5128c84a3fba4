"""A bare name in another program's store names a project of its own."""

import pytest

from memory_mcp.importers.belonging import own_project


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("shop", "claude-mem/shop"),
        ("  a\tb\n c ", "claude-mem/a b c"),
        ("sh\x1b[2Jop\u202e\u200b\ud800", "claude-mem/sh[2Jop"),
        ("\x00\x01", "claude-mem/unnamed"),
        ("x" * 500, "claude-mem/" + "x" * 120),
    ],
)
def test_a_name_is_shown_with_whose_it_is_and_without_control_characters(name: str, project: str) -> None:
    assert own_project("claude-mem", name, existing=(), made=()) == project


def test_the_name_avoids_projects_of_other_origin_and_finds_the_one_made_before() -> None:
    existing = {"claude-mem/shop", "claude-mem/shop (2)", "claude-mem/till"}

    assert own_project("claude-mem", "shop", existing=existing, made=()) == "claude-mem/shop (3)"
    assert own_project("claude-mem", "shop", existing=existing, made={"claude-mem/shop (2)"}) == "claude-mem/shop (2)"
    assert own_project("claude-mem", "shop", existing=existing, made={"claude-mem/shop"}) == "claude-mem/shop"
