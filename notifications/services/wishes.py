"""What a person wishes to hear: set for all projects, or for one."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import User
from builds.models import Project
from notifications.models import Level, ProjectWish, Wish


def set_wish(user: User, values: dict[str, Any]) -> None:
    """`values` are fields of Wish, checked, and `gets_mail`: whether they get any mail about builds."""
    with transaction.atomic():
        gets_mail = values.pop("gets_mail", user.gets_mail)
        User.objects.filter(pk=user.pk).update(gets_mail=gets_mail)
        user.gets_mail = gets_mail
        Wish.objects.update_or_create(user=user, defaults=values)


def set_project_wish(user: User, project: Project, level: str) -> None:
    """What they wish to hear of one project; "" = as everywhere."""
    if not level:
        ProjectWish.objects.filter(user=user, project=project).delete()
        return
    ProjectWish.objects.update_or_create(user=user, project=project, defaults={"level": Level(level)})
