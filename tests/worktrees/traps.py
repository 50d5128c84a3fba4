"""This module makes a repository in which everything that git can be told to run leaves a mark."""

import hashlib
import os
import pty
import subprocess
import zlib
from pathlib import Path

_HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit"),
    *(
        "post-index-change",
        "post-merge",
        "post-receive",
        "post-rewrite",
        "post-update",
        "pre-applypatch",
        "pre-auto-gc",
    ),
    *("pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive"),
    *("push-to-checkout", "reference-transaction", "sendemail-validate", "update"),
)
_IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
# Each setting runs a program of this name; git reads `uploadpack.packObjectsHook` from a user's own files only.
_PROGRAMS = {
    "core.fsmonitor": "fsmonitor",
    "core.pager": "pager",
    "pager.log": "pager-of-log",
    "core.sshCommand": "ssh",
    "core.gitProxy": "proxy",
    "core.askPass": "askpass",
    "core.editor": "editor",
    "sequence.editor": "sequence-editor",
    "core.alternateRefsCommand": "alternate-refs",
    "uploadpack.packObjectsHook": "pack-objects",
    "gpg.program": "gpg",
    "gpg.x509.program": "gpg-x509",
    "gpg.ssh.program": "gpg-ssh",
    "gpg.ssh.defaultKeyCommand": "gpg-key",
    "filter.x.clean": "clean",
    "filter.x.smudge": "smudge",
    "filter.y.process": "process",
    "diff.x.textconv": "textconv",
    "diff.y.command": "diff-driver",
    "interactive.diffFilter": "diff-filter",
    "diff.guitool": "guitool",
    "browser.x.cmd": "browser",
}
_FIXED = {
    "log.showSignature": "true",
    "core.attributesFile": "attributes-of-the-repository",
    "extensions.partialClone": "origin",
    "remote.origin.url": "ssh://nowhere.invalid/x.git",
    "remote.origin.promisor": "true",
    "remote.proxied.url": "git://nowhere.invalid/x.git",
    "remote.proxied.promisor": "true",
    "remote.outside.promisor": "true",
    "protocol.allow": "always",
    "protocol.ext.allow": "always",
    "maintenance.auto": "true",
    "fetch.recurseSubmodules": "true",
}


class TrappedRepository:
    """A repository whose traps touch `PWNED-name` in the directory `marks`."""

    def __init__(self, place: Path) -> None:
        self.root = place / "trapped"
        self.marks = place / "marks"
        self.programs = place / "programs"
        for directory in (self.root, self.marks, self.programs):
            directory.mkdir(parents=True)
        self._plain("init", "-q", "-b", "main")
        self._plain("config", "commit.gpgsign", "false")
        self.commit("start", {"a.py": "1\n", "b.txt": "1\n", "README.md": "one\n"})
        self.commit("Fix the parser", {"a.py": "2\n", "b.txt": "2\n"})
        self._plain("branch", "topic")
        self.commit("Speed up the lexer", {"a.py": "3\n", "b.txt": "3\n"})
        self._sign()

    def commit(self, message: str, files: dict[str, str]) -> None:
        """Commit files, before any trap is set."""
        for name, text in files.items():
            (self.root / name).write_text(text, encoding="utf-8")
        self._plain("add", "-A")
        self._plain("commit", "-q", "-m", message)

    def set_traps(self) -> None:
        """Set every trap there is."""
        config = self.root / ".git" / "config"
        for key, name in _PROGRAMS.items():
            self._plain("config", "--file", str(config), key, self.trap(name))
        for key, value in _FIXED.items():
            self._plain("config", "--file", str(config), key, value)
        self._plain("config", "--file", str(config), "credential.helper", f"!{self.trap('credential')}")
        self._plain("config", "--file", str(config), "alias.boom", f"!{self.trap('alias')}")
        self._plain("config", "--file", str(config), "remote.outside.url", f"ext::{self.trap('ext')}")
        self._plain("config", "--file", str(config), "core.repositoryFormatVersion", "1")
        included = self.root / ".git" / "included"
        self._plain("config", "--file", str(included), "diff.external", self.trap("external-diff"))
        self._plain("config", "--file", str(config), "include.path", "included")
        (self.root / ".gitattributes").write_text("*.py diff=x filter=x\n*.txt diff=y filter=y\n", encoding="utf-8")
        for place in (self.root / ".git" / "hooks", self.root / "hooks"):
            place.mkdir(exist_ok=True)
            for hook in _HOOKS:
                (place / hook).unlink(missing_ok=True)
                (place / hook).symlink_to(self.trap(f"hook-{hook}"))
        self._plain("config", "--file", str(config), "core.hooksPath", str(self.root / "hooks"))
        for name in ("git", "claude", "memory-mcp", "memory-cli", "false", "cat", "python", "python3", "sh", "ssh"):
            (self.root / name).symlink_to(self.trap(f"program-{name}"))
        alternates = self.root / ".git" / "objects" / "info" / "alternates"
        other = self.root / ".git" / "other.git"
        self._plain("init", "-q", "--bare", str(other))
        alternates.write_text(f"{other / 'objects'}\n", encoding="utf-8")

    def lose_a_blob(self) -> None:
        """Make it a partial clone: a content of its history is elsewhere."""
        self.lose("HEAD~2:a.py")

    def lose(self, what: str) -> None:
        """Remove an object."""
        name = self._plain("rev-parse", what)
        (self.root / ".git" / "objects" / name[:2] / name[2:]).unlink()

    def trap(self, name: str) -> str:
        """Return a program that leaves a mark."""
        program = self.programs / name
        if not program.exists():
            program.write_text(f"#!/bin/sh\n: > '{self.marks}/PWNED-{name}'\nexit 1\n", encoding="utf-8")
            program.chmod(0o755)
        return str(program)

    @property
    def sprung(self) -> set[str]:
        """The names of the traps that something ran into."""
        return {mark.name.removeprefix("PWNED-") for mark in self.marks.iterdir()}

    def run(self, *words: str, told: bytes = b"") -> None:
        """Run plain git here, whatever comes of it."""
        environ = {"PATH": os.defpath, "HOME": str(self.root.parent), "GIT_TERMINAL_PROMPT": "0"}
        subprocess.run(
            ["git", *_IDENTITY, *words], cwd=self.root, env=environ, input=told, capture_output=True, check=False
        )

    def run_on_a_terminal(self, *words: str) -> None:
        """Run plain git here with a terminal before it, as pagers want."""
        controller, terminal = pty.openpty()
        subprocess.run(["git", *words], cwd=self.root, stdin=terminal, stdout=terminal, stderr=terminal, check=False)
        os.close(terminal)
        os.close(controller)

    def _sign(self) -> None:
        """Give the newest commit a signature that nobody can check."""
        old = self._plain("cat-file", "commit", "HEAD")
        head, message = old.split("\n\n", 1)
        signature = "-----BEGIN PGP SIGNATURE-----\n \n aGVsbG8=\n -----END PGP SIGNATURE-----"
        content = f"{head}\ngpgsig {signature}\n\n{message}\n".encode()
        data = b"commit %d\0" % len(content) + content
        name = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        path = self.root / ".git" / "objects" / name[:2] / name[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(data))
        self._plain("update-ref", "HEAD", name)

    def _plain(self, *words: str) -> str:
        done = subprocess.run(["git", *_IDENTITY, *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()
