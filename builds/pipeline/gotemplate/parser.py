"""Tokens into nodes. Nesting is bounded, so that no template exhausts the stack."""

from __future__ import annotations

import re

from builds.pipeline.gotemplate.errors import TemplateError
from builds.pipeline.gotemplate.lexer import Kind, Token, tokens
from builds.pipeline.gotemplate.nodes import (
    Branch,
    Command,
    Dot,
    Function,
    Literal,
    Node,
    Operand,
    Pipeline,
    Text,
    Variable,
)

MAX_DEPTH = 30
_UNKNOWN = frozenset({"range", "break", "continue", "define", "template", "block", "nil"})
_ENDS = frozenset({"end", "else"})
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", '"': '"'}


def parse(text: str) -> tuple[Node, ...]:
    """The template's nodes. Raises TemplateError."""
    parser = _Parser(tokens(text))
    nodes = parser.nodes(0)
    parser.expect_end()
    return nodes


class _Parser:
    """Takes tokens one after another."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0

    def nodes(self, depth: int) -> tuple[Node, ...]:
        """Everything up to the end, or to the `{{ end }}` or `{{ else` that somebody around waits for."""
        found: list[Node] = []
        while (token := self._peek()) is not None:
            if token.kind is Kind.TEXT:
                self._at += 1
                found.append(Text(token.text))
                continue
            keyword = self._keyword()
            if keyword in _ENDS:
                break
            if keyword in {"if", "with"}:
                self._at += 2
                found.append(self._branch(token, keyword, depth))
            else:
                self._at += 1
                found.append(self._pipeline(token, depth))
                self._close()
        return tuple(found)

    def expect_end(self) -> None:
        """Raise TemplateError where an `end` or `else` is left that nothing opened."""
        if (token := self._peek()) is not None:
            raise TemplateError(f"`{self._keyword()}` without `if` before it", token.position)

    def _branch(self, opened: Token, keyword: str, depth: int) -> Branch:
        """After `{{ if`: the condition, both sides, and the `end`."""
        if depth >= MAX_DEPTH:
            raise TemplateError(f"`if` is nested deeper than {MAX_DEPTH}", opened.position)
        pipeline = self._pipeline(opened, depth + 1)
        self._close()
        then = self.nodes(depth + 1)
        otherwise: tuple[Node, ...] = ()
        if self._keyword() == "else":
            otherwise = self._otherwise(depth)
        if self._keyword() != "end":
            raise TemplateError(f"`{keyword}` is not closed by `{{{{ end }}}}`", opened.position)
        following = self._tokens[self._at + 2] if self._at + 2 < len(self._tokens) else None
        if following is None or following.kind is not Kind.CLOSE:
            raise TemplateError("`end` stands alone: {{ end }}", self._tokens[self._at].position)
        self._at += 3
        return Branch(pipeline, then, otherwise, keyword == "with")

    def _otherwise(self, depth: int) -> tuple[Node, ...]:
        """After the first side: `{{ else }}`, or `{{ else if ... }}`, which shares its `end`."""
        opened = self._tokens[self._at]
        self._at += 2
        following = self._peek()
        if following is not None and following.kind is Kind.NAME and following.text in {"if", "with"}:
            self._at += 1
            branch = self._branch(opened, following.text, depth + 1)
            self._at -= 3  # the `end` is the outer one's, too
            return (branch,)
        self._close()
        return self.nodes(depth + 1)

    def _pipeline(self, opened: Token, depth: int) -> Pipeline:
        """Commands between |, up to what closes them; perhaps a variable that keeps the result."""
        if depth >= MAX_DEPTH:
            raise TemplateError(f"parentheses are nested deeper than {MAX_DEPTH}", opened.position)
        variable, declares = self._assignment()
        commands = [self._command(opened, depth)]
        while self._takes("|"):
            commands.append(self._command(opened, depth))
        return Pipeline(tuple(commands), variable, declares, opened.position)

    def _assignment(self) -> tuple[str, bool]:
        token = self._peek()
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else None
        is_one = token is not None and token.kind is Kind.VARIABLE
        if not is_one or token is None or following is None or following.text not in {":=", "="}:
            return "", False
        if following.kind is not Kind.SIGN or token.text == "$":
            return "", False
        self._at += 2
        return token.text, following.text == ":="

    def _command(self, opened: Token, depth: int) -> Command:
        words: list[Operand] = []
        while (token := self._peek()) is not None and token.kind is not Kind.CLOSE and token.text not in {"|", ")"}:
            if words and not token.spaced and token.kind is not Kind.SIGN:
                raise TemplateError("a blank is missing between two words", token.position)
            words.append(self._operand(token, depth))
        if not words:
            raise TemplateError("a value is missing", opened.position)
        return Command(tuple(words))

    def _operand(self, token: Token, depth: int) -> Operand:
        self._at += 1
        base: Literal | Dot | Variable | Function | Pipeline
        names: list[str] = []
        if token.kind is Kind.FIELD:
            base, names = Dot(), [token.text[1:]]
        elif token.kind is Kind.DOT:
            base = Dot()
        elif token.kind is Kind.VARIABLE:
            base = Variable(token.text)
        elif token.kind is Kind.STRING:
            base = Literal(_unquoted(token))
        elif token.kind is Kind.NUMBER:
            base = Literal(_number(token))
        elif token.kind is Kind.NAME:
            base = _named(token)
        elif token.text == "(":
            base = self._pipeline(token, depth + 1)
            if not self._takes(")"):
                raise TemplateError("( is not closed by )", token.position)
        else:
            raise TemplateError(f"`{token.text}` has no meaning here", token.position)
        while (after := self._peek()) is not None and after.kind is Kind.FIELD and not after.spaced:
            self._at += 1
            names.append(after.text[1:])
        return Operand(base, tuple(names), token.position)

    def _keyword(self) -> str:
        """The name right after the {{ that is next; "" where there is none."""
        if self._at + 1 >= len(self._tokens) or self._tokens[self._at].kind is not Kind.OPEN:
            return ""
        token = self._tokens[self._at + 1]
        return token.text if token.kind is Kind.NAME else ""

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _takes(self, sign: str) -> bool:
        token = self._peek()
        if token is None or token.kind is not Kind.SIGN or token.text != sign:
            return False
        self._at += 1
        return True

    def _close(self) -> None:
        token = self._peek()
        if token is None or token.kind is not Kind.CLOSE:
            raise TemplateError(f"`{token.text if token else ''}` has no meaning here", token.position if token else 0)
        self._at += 1


def _named(token: Token) -> Literal | Function:
    if token.text in {"true", "false"}:
        return Literal(token.text == "true")
    if token.text in _UNKNOWN:
        raise TemplateError(f"`{token.text}` cannot be used here: there is nothing to go through", token.position)
    return Function(token.text)


def _number(token: Token) -> int | float:
    return float(token.text) if "." in token.text else int(token.text[:40])


def _unquoted(token: Token) -> str:
    if token.text.startswith("`"):
        return token.text[1:-1]

    def plain(found: re.Match[str]) -> str:
        if found[4] is None:
            return chr(int(found[1], 8)) if found[1] else chr(int(found[2] or found[3], 16))
        if found[4] not in _ESCAPED:
            raise TemplateError(f"\\{found[4]} is no escape in a quoted word", token.position)
        return _ESCAPED[found[4]]

    return _ESCAPE.sub(plain, token.text[1:-1])
