"""What is wrong with a template, and where in it."""

from __future__ import annotations

from collections.abc import Collection


class TemplateError(ValueError):
    """The template cannot be put in. `position` counts its characters from 1; 0 = the template as a whole.

    `word` and `known`: the name that there is not, and those that there are, for who wants to give a hint.
    """

    def __init__(self, text: str, position: int = 0, *, word: str = "", known: Collection[str] = ()) -> None:
        super().__init__(f"{text} (character {position} of the template)" if position else text)
        self.word = word
        self.known = known


class EmptyTagError(TemplateError):
    """The template is right, and for this push nothing comes of it that a tag can be."""
