"""What jobs say of their tests: counts, the cases that failed, and how long each file took."""

from __future__ import annotations

from django.db import models

from builds.models.job import Job
from builds.models.project import Project


class Tally(models.Model):
    """The tests of one attempt at a job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="tallies")
    attempt = models.PositiveSmallIntegerField()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    pipeline = models.CharField(max_length=200, help_text="The job's name without which copy it is.")
    commit = models.CharField(max_length=64)
    passed = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    skipped = models.PositiveIntegerField()
    seconds = models.FloatField()
    seconds_of = models.JSONField(default=dict, help_text="By file, or by class where no file is known.")
    passed_ids = models.BinaryField(default=bytes, help_text="Six bytes for each case that passed.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "attempt"], name="one_tally_an_attempt")]
        indexes = [
            models.Index(fields=["project", "pipeline", "-id"], name="tally_newest"),
            models.Index(fields=["project", "commit"], name="tally_of_commit"),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline}: {self.failed} of {self.passed + self.failed + self.skipped} failed"


class BadCase(models.Model):
    """A case that failed, or passed only when it was run again."""

    tally = models.ForeignKey(Tally, on_delete=models.CASCADE, related_name="bad")
    position = models.PositiveIntegerField()
    case_id = models.CharField(max_length=12, help_text="The same for the same case of other attempts and builds.")
    name = models.CharField(max_length=500)
    file = models.CharField(max_length=500, blank=True)
    line = models.PositiveIntegerField(default=0, help_text="0 = unknown")
    seconds = models.FloatField(default=0)
    message = models.TextField(blank=True)
    passed = models.BooleanField(default=False)
    is_flaky = models.BooleanField(default=False, help_text="It failed and passed on the same commit.")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["tally", "position"], name="one_case_a_place")]

    def __str__(self) -> str:
        return self.name
