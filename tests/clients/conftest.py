"""This module finds the real coding agents, and gives each a fresh home without an account."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_NODE = Path(shutil.which("node") or "/nowhere").parent
_PROGRAMS = {
    "claude": "@anthropic-ai/claude-code-linux-x64/claude",
    "opencode": "opencode-linux-x64/bin/opencode",
    "gemini": "@google/gemini-cli/bundle/gemini.js",
    "codex": "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
}


class Client:
    """A coding agent's program in a home of its own."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program = program
        self.home = home
        self.project = home / "project"
        self.project.mkdir(parents=True)
        self.environ = {
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:{program.parent}:{_NODE}:{os.defpath}",
            "MEMORY_MCP_HOME": str(home / "memory"),
            "MEMORY_MCP_PROJECT_NAME": "day",
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "DISABLE_TELEMETRY": "1",
            "TERM": "dumb",
        }

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [str(self.program), *words],
            env=self.environ,
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout + done.stderr

    def cli(self, *words: str) -> str:
        command = [sys.executable, "-m", "memory_cli.entrance", *words]
        done = subprocess.run(
            command, env=self.environ, cwd=self.project, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, url: str, prompt: str, *words: str) -> str:
        """Let Claude Code work on a prompt with the model at this address, without an account."""
        self.environ |= {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "none"}
        self.environ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1"
        tools = [word for word in words if not word.startswith("-")]
        options = [word for word in words if word.startswith("-")]
        return self.run("-p", prompt, *options, "--allowedTools", "Bash", "mcp__memory-mcp", *tools)

    def use_model(self, url: str) -> None:
        """Let OpenCode ask the model at this address."""
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": f"{url}/v1", "apiKey": "none"},
            "models": {"m": {"name": "m", "tool_call": True}},
        }
        settings = {"provider": {"scripted": provider}, "model": "scripted/m", "small_model": "scripted/m"}
        settings["permission"] = {"*": "allow"}
        (self.project / "opencode.json").write_text(json.dumps(settings), encoding="utf-8")

    def ask_codex(self, url: str, prompt: str) -> str:
        """Let Codex work on a prompt with the model at this address; trusting hooks by hand needs its own screen."""
        settings = self.home / ".codex" / "config.toml"
        before = settings.read_text(encoding="utf-8") if settings.exists() else ""
        if "model_provider" not in before:
            settings.parent.mkdir(exist_ok=True)
            provider = f'[model_providers.scripted]\nname = "scripted"\nbase_url = "{url}/v1"\nwire_api = "responses"\n'
            settings.write_text(
                f'model = "gpt-5.5"\nmodel_provider = "scripted"\n{before}\n{provider}', encoding="utf-8"
            )
        sandbox, trust = "--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust"
        return self.run("exec", "--skip-git-repo-check", sandbox, trust, prompt)

    def ask_gemini(self, url: str, prompt: str) -> str:
        """Let Gemini CLI work on a prompt with the model at this address, with a key that is none."""
        self.environ |= {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": url}
        settings = self.home / ".gemini" / "settings.json"
        held = json.loads(settings.read_text(encoding="utf-8"))
        held["security"] = {"auth": {"selectedType": "gemini-api-key"}}
        settings.write_text(json.dumps(held), encoding="utf-8")
        return self.run("-m", "gemini-2.5-flash", "--approval-mode", "yolo", "--skip-trust", "-p", prompt)


def _client(name: str, home: Path) -> Client:
    modules = os.environ.get("MEMORY_MCP_TEST_CLIENTS")
    program = Path(modules or "/nowhere") / _PROGRAMS[name]
    if not program.is_file():
        pytest.skip(f"needs {name} from npm: set MEMORY_MCP_TEST_CLIENTS to a node_modules that holds it")
    return Client(program, home)


@pytest.fixture
def claude(tmp_path: Path) -> Client:
    return _client("claude", tmp_path / "user")


@pytest.fixture
def opencode(tmp_path: Path) -> Client:
    return _client("opencode", tmp_path / "user")


@pytest.fixture
def codex(tmp_path: Path) -> Client:
    return _client("codex", tmp_path / "user")


@pytest.fixture
def gemini(tmp_path: Path) -> Client:
    return _client("gemini", tmp_path / "user")
