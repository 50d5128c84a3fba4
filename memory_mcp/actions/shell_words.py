"""This module cuts a shell text into words, operators and here-documents, in one pass and whatever the text is."""

import re
from typing import Literal

from msgspec import Struct

from memory_mcp.expressions import expression

TokenKind = Literal["word", "operator", "redirection", "body"]

_BLANK = expression(r"(?:[ \t\r]|\\\r?\n)+")
_COMMENT = expression(r"#[^\n]*")
_REDIRECTION = expression(r"&>>?|\d*(?:<<<|<<-?|<>|<&|>>|>\||>&|>(?!\()|<(?!\())")
_OPERATOR = expression(r"\n|&&|\|\||\|&|;;&?|[;&|()]")
_PLAIN = expression(r"[^\s'\"\\$`;&|()<>]+")
_SINGLE = expression(r"\$?'([^']*)'")
_IN_DOUBLE = expression(r"[^\"\\$`]+")
_BRACES = expression(r"\$\{[^}\n]{0,200}\}")  # bounded, so that a text full of `${` is read in linear time
_BACKTICKS = expression(r"`(?:[^`\\]|\\.)*+`", re.DOTALL)
_INSIDE = expression(r"'[^']*'|\"(?:[^\"\\]|\\.)*+\"|\\.|[()]|[^'\"\\()]+|.", re.DOTALL)
_ENDS_LINE = "\n"
_QUOTED_IN_DOUBLE = '$`"\\\n'


class Token(Struct, frozen=True):
    """A word without its quotes, an operator, a redirection's operator, or the body of a here-document."""

    kind: TokenKind
    text: str


class _Scanner:
    """Holds the place in a text that is cut into tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tokens: list[Token] = []
        self._word: list[str] | None = None
        self._awaited: list[tuple[str, bool]] = []  # here-documents: their delimiter, whether tabs are taken off
        self._opens_here: str | None = None
        self._is_open_ended = False  # a substitution was never closed: further ones are not searched for their end

    def scan(self) -> list[Token]:
        text, size = self.text, len(self.text)
        while self.at < size:
            if found := _BLANK.match(text, self.at):
                self._finish_word()
                self.at = found.end()
            elif self._word is None and (found := _COMMENT.match(text, self.at)):
                self.at = found.end()
            elif self._word is None and (found := _REDIRECTION.match(text, self.at)):
                self._redirect(found[0])
            elif found := _OPERATOR.match(text, self.at):
                self._operate(found[0])
            elif self._word is not None and (found := _REDIRECTION.match(text, self.at)):
                self._finish_word()
                self._redirect(found[0])
            else:
                self._extend_word()
        self._finish_word()
        return self.tokens

    def _redirect(self, operator: str) -> None:
        self.tokens.append(Token("redirection", operator))
        self.at += len(operator)
        if operator.lstrip("0123456789") in {"<<", "<<-"}:
            self._opens_here = operator

    def _operate(self, operator: str) -> None:
        self._finish_word()
        self.tokens.append(Token("operator", operator))
        self.at += len(operator)
        if operator == _ENDS_LINE:
            for delimiter, takes_tabs in self._awaited:
                self._read_body(delimiter, takes_tabs=takes_tabs)
            self._awaited = []

    def _read_body(self, delimiter: str, *, takes_tabs: bool) -> None:
        start, size = self.at, len(self.text)
        body_end = size
        while self.at < size:
            line_end = self.text.find("\n", self.at)
            line_end = size if line_end < 0 else line_end
            line = self.text[self.at : line_end].rstrip("\r")
            if (line.lstrip("\t") if takes_tabs else line) == delimiter:
                body_end = self.at
                self.at = line_end + 1
                break
            self.at = line_end + 1
        self.at = min(self.at, size)
        self.tokens.append(Token("body", self.text[start:body_end]))

    def _finish_word(self) -> None:
        if self._word is None:
            return
        word = "".join(self._word)
        self._word = None
        self.tokens.append(Token("word", word))
        if self._opens_here is not None:
            self._awaited.append((word, self._opens_here.endswith("-")))
            self._opens_here = None

    def _extend_word(self) -> None:
        """Read one piece of a word: plain, quoted, escaped or substituted."""
        word = self._word = self._word if self._word is not None else []
        text = self.text
        if found := _PLAIN.match(text, self.at):
            word.append(found[0])
            self.at = found.end()
            return
        char = text[self.at]
        if char == "\\":
            self._escape(word)
        elif found := _SINGLE.match(text, self.at):
            word.append(found[1])
            self.at = found.end()
        elif char == '"' or text.startswith('$"', self.at):
            self._double(word)
        elif char == "'":
            self._take_rest(word)
        else:
            self._substitute(word)

    def _escape(self, word: list[str]) -> None:
        """Read a backslash; before a letter or digit it is kept, for it stands in a Windows path or an expression."""
        following = self.text[self.at + 1 : self.at + 2]
        word.append("\\" + following if following.isalnum() or following in {"_", "."} else following)
        self.at += 2

    def _double(self, word: list[str]) -> None:
        """Read a text in double quotes."""
        start = self.at
        pieces: list[str] = []
        self.at += 2 if self.text[start] == "$" else 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                word.extend(pieces)
                return
            if found := _IN_DOUBLE.match(self.text, self.at):
                pieces.append(found[0])
                self.at = found.end()
            elif char == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                pieces.append(following if following in _QUOTED_IN_DOUBLE else "\\" + following)
                self.at += 2
            else:
                self._substitute(pieces)
        self.at = start
        self._take_rest(word)

    def _take_rest(self, word: list[str]) -> None:
        """Read a quote that is never closed: all that follows it belongs to it, and no shell would run any of it."""
        word.append(self.text[self.at :].removeprefix("$")[1:])
        self.at = len(self.text)

    def _substitute(self, word: list[str]) -> None:
        """Read `$(…)`, `<(…)`, `${…}` or backticks as they stand; anything else is one character."""
        start = self.at
        found = _BRACES.match(self.text, start)
        if found is None and not self._is_open_ended:
            found = _BACKTICKS.match(self.text, start)
        if found is not None:
            self.at = found.end()
        elif not self._is_open_ended and self.text[start + 1 : start + 2] == "(" and self.text[start] in "$<>":
            self.at = self._end_of_parentheses(start + 2)
        else:
            self.at = start + 1
        word.append(self.text[start : self.at])

    def _end_of_parentheses(self, at: int) -> int:
        depth, start = 1, at
        while depth and (found := _INSIDE.match(self.text, at)):
            depth += {"(": 1, ")": -1}.get(found[0], 0)
            at = found.end()
        if depth:
            self._is_open_ended = True
            return start - 1
        return at


def tokens(text: str) -> list[Token]:
    """Cut a text into tokens; what no shell would accept comes out as words."""
    return _Scanner(text).scan()


def names(text: str) -> frozenset[str]:
    """Return the names of a list that is written with spaces."""
    return frozenset(text.split())
