"""`memory-cli redact`."""

from tests.cli.conftest import Run, as_json

SECRET = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ" + "4rS6tU8vW0xYaB3dE5fG"


def test_a_text_on_stdin_comes_back_without_secrets(run: Run) -> None:
    assert run("redact", text=f"with {SECRET}\n").stdout == "with <github-token>\n"


def test_a_clean_store_is_said_to_be_clean(run: Run) -> None:
    run("episode", "create", f"deploy with {SECRET}")

    assert "No secret of a known shape is stored." in run("redact", "--scan").stdout
    assert as_json(run("redact", "--scan", "--json")) == {"tainted": [], "replaced": 0}
