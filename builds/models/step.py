"""A step of one attempt at a job, and the segments of its log."""

from __future__ import annotations

import uuid

from django.db import models

from builds.models.job import Job
from builds.states import FINAL, Status
from runners.contract import StepKind


class Step(models.Model):
    """One step of one attempt; `path` is its place in the tree ("1.0" = the first child of the second)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="steps")
    attempt = models.PositiveSmallIntegerField()
    path = models.CharField(max_length=60)
    position = models.PositiveIntegerField(help_text="Order of reading: a group before its steps.")
    kind = models.CharField(max_length=10, default="run")
    name = models.CharField(max_length=300)
    service = models.CharField(max_length=200, blank=True)
    command = models.TextField(blank=True, help_text="As the project wrote it, for people.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    exit_code = models.IntegerField(null=True, blank=True)
    failure = models.CharField(max_length=20, blank=True)
    reason = models.TextField(blank=True)
    image_digest = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The log as a whole; while it runs the live tail knows more.
    log_lines = models.PositiveBigIntegerField(default=0)
    log_bytes = models.PositiveBigIntegerField(default=0)
    log_omitted_lines = models.PositiveBigIntegerField(default=0)
    log_complete = models.BooleanField(
        default=False, help_text="Every byte that was printed is stored (or counted as omitted)."
    )
    log_ended = models.BooleanField(default=False, help_text="Nothing more will be stored; the three totals are final.")

    class Meta:
        ordering = ["attempt", "position"]
        constraints = [models.UniqueConstraint(fields=["job", "attempt", "path"], name="one_step_a_place")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self.status in FINAL

    @property
    def is_group(self) -> bool:
        """Whether it holds steps, instead of having a log of its own."""
        return StepKind(self.kind).is_group

    @property
    def depth(self) -> int:
        """How deep it lies in the tree; 0 = at the top."""
        return self.path.count(".")


class Segment(models.Model):
    """A stretch of a step's log in storage: zstd frames of about 128 KiB, each readable alone."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="segments")
    number = models.PositiveIntegerField()
    first_byte = models.PositiveBigIntegerField(help_text="Offset in the step's output.")
    first_line = models.PositiveBigIntegerField(help_text="Number of line breaks before it.")
    byte_count = models.PositiveIntegerField()
    line_breaks = models.PositiveIntegerField()
    starts_line = models.BooleanField(default=True, help_text="False where it begins inside a line.")
    ends_line = models.BooleanField(default=True, help_text="Its last byte is a line break.")
    frames = models.JSONField(help_text="[[bytes, line breaks, compressed bytes, CRC32 of the bytes], ...]")
    times = models.JSONField(
        default=list, help_text="[[line, unix ms], ...]: lines from this one (0-based) on, until the next."
    )
    storage_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["step", "number"], name="one_segment_a_number")]

    def __str__(self) -> str:
        return f"{self.step} [{self.first_byte}, +{self.byte_count})"
