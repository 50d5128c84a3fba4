"""Settings: their layers, their file, and what a stranger's directory may say."""

from pathlib import Path

import pytest

from memory_mcp.config.layers import resolve
from memory_mcp.config.places import places, settings_path
from memory_mcp.config.settings import Settings
from memory_mcp.config.template import render
from memory_mcp.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent


def home_with(tmp_path: Path, text: str) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "memory-cli.toml").write_text(text, encoding="utf-8")
    return {"MEMORY_MCP_HOME": str(home)}


def test_the_documented_file_lists_every_setting_at_its_default() -> None:
    assert (ROOT / "memory-cli.toml").read_text(encoding="utf-8") == render()


def test_the_documented_file_is_read_back_as_the_defaults(tmp_path: Path) -> None:
    environ = home_with(tmp_path, render())

    resolved = resolve({}, tmp_path, path=Path(environ["MEMORY_MCP_HOME"]) / "memory-cli.toml")

    assert resolved.settings == Settings()


def test_flags_beat_the_environment_which_beats_the_file_which_beats_defaults(tmp_path: Path) -> None:
    environ = home_with(tmp_path, "[recall]\ncandidates = 20\nfloor = 0.1\nsuccess_boost = 0.3\n")
    environ |= {"MEMORY_MCP_RECALL_CANDIDATES": "30", "MEMORY_MCP_RECALL_FLOOR": "0.2"}

    resolved = resolve(environ, tmp_path, flags={"recall.candidates": "40"})

    recall = resolved.settings.recall
    assert (recall.candidates, recall.floor, recall.success_boost, recall.keyword_weight) == (40, 0.2, 0.3, 1.0)
    assert [
        resolved.origins[f"recall.{name}"] for name in ("candidates", "floor", "success_boost", "keyword_weight")
    ] == [
        "flag",
        "environment MEMORY_MCP_RECALL_FLOOR",
        str(tmp_path / "home" / "memory-cli.toml"),
        "default",
    ]


def test_values_may_refer_to_variables_and_to_a_dotenv_beside_the_file(tmp_path: Path) -> None:
    environ = home_with(tmp_path, '[embeddings]\napi_key = "${SECRET}"\nbase_url = "http://${HOST}/v1"\n')
    (tmp_path / "home" / ".env").write_text("# keys\nexport SECRET='s3'\nHOST=elsewhere\n", encoding="utf-8")

    settings = resolve({**environ, "HOST": "here"}, tmp_path).settings

    assert (settings.embeddings.api_key, settings.embeddings.base_url) == ("s3", "http://here/v1")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[recall]\nspeed = 1\n", "there is no setting 'recall.speed'; 'memory-cli config show' lists them"),
        ("[recall]\ncandidates = 'many'\n", "recall.candidates = 'many' does not fit"),
        ("[recall]\ncandidates = 1\n", "recall.candidates = 1 does not fit"),
        ("[embeddings]\napi_key = '${NOPE}'\n", "which is not set; export it or put it into .env"),
        ("[recall\n", "cannot be read as TOML"),
        ("candidates = 3\n", "stands outside a table"),
    ],
)
def test_a_bad_settings_file_is_refused_with_its_path(tmp_path: Path, text: str, sentence: str) -> None:
    environ = home_with(tmp_path, text)

    with pytest.raises(ConfigError) as raised:
        resolve(environ, tmp_path)

    assert sentence in str(raised.value)
    assert str(tmp_path / "home" / "memory-cli.toml") in str(raised.value)


def test_a_cloned_repository_may_claim_a_name_and_set_nothing(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    text = '[store]\nhome = "/evil"\n[project]\nname = "cloned"\nmode = "global"\n'
    (clone / "memory-cli.toml").write_text(text, encoding="utf-8")

    found = resolve({"MEMORY_MCP_HOME": str(tmp_path / "home")}, clone)

    assert (found.settings.project.name, found.settings.project.mode) == ("", "auto")
    assert (found.claimed_name, found.settings.store.home) == ("cloned", str(tmp_path / "home"))


def test_a_trusted_directory_may_set_everything(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "memory-cli.toml").write_text("[recall]\ncandidates = 77\n", encoding="utf-8")
    environ = home_with(tmp_path, f'[project]\ntrusted_directories = ["{tmp_path / "clone"}"]\n')

    assert resolve(environ, clone).settings.recall.candidates == 77


def test_a_home_of_its_own_holds_everything(tmp_path: Path) -> None:
    environ = {"MEMORY_MCP_HOME": str(tmp_path)}
    where = places(resolve(environ, tmp_path).settings, settings_file=settings_path(environ))

    assert {where.store.parent, where.cache.parent, where.models.parent, where.settings.parent} == {tmp_path}
