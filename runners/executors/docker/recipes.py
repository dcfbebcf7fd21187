"""What a builder is given for one image, and what of its answer means that our side failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from runners.contract import Failure, Outcome, StepResult
from runners.errors import ImageError
from runners.executors.docker.pull import is_transient
from runners.executors.docker.verdict import StepFailed

_THEIR_COMMAND = ("returned a non-zero code", "executor failed running", "did not complete successfully")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One build. The context comes beside it, as a tar."""

    service: str
    dockerfile: str  # its path in the tar
    target: str
    labels: Mapping[str, str]
    args: Mapping[str, str]
    secret_args: Mapping[str, str] = field(default_factory=dict, repr=False)  # they win over `args`
    shown: Mapping[str, str] = field(default_factory=dict)  # what FROM lines say now -> what the project wrote
    is_cached: bool = False  # another runner may begin from what comes of it
    cache_from: tuple[str, ...] = ()

    def starting_from(self, images: tuple[str, ...]) -> Recipe:
        """The same with images to take layers from."""
        return replace(self, cache_from=images)

    def in_their_words(self, text: str) -> str:
        """A line of the builder with the names that the project knows."""
        for written, name in self.shown.items():
            text = text.replace(f"docker.io/library/{written}", name).replace(written, name)
        return text

    def failed(self, sentence: str) -> Exception:
        """Our failure where a registry could not be asked, the project's in every other case."""
        sentence = self.in_their_words(sentence)
        if is_transient(sentence) and not any(words in sentence for words in _THEIR_COMMAND):
            return ImageError(f"The image of service {self.service} could not be built: {sentence}")
        return StepFailed(
            StepResult(
                outcome=Outcome.FAILED,
                failure=Failure.IMAGE,
                reason=f"The image of service {self.service} could not be built: {sentence}",
            )
        )
