"""Take an address off, as the link in its mail asks: of a project, or of the digest. Twice changes nothing."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User
from builds.models import Project
from notifications.models import Level, Refusal, Wish
from notifications.services.wishes import set_project_wish


def unsubscribe(address: str, project_uuid: str) -> None:
    """Send `address` nothing of the project any more; "" = no digest. What is gone needs nothing."""
    user = User.objects.filter(email=address.lower()).first()
    if not project_uuid:
        Wish.objects.filter(user=user).update(digest=False)
        return
    project = Project.objects.filter(uuid=UUID(project_uuid)).first()
    if project is None:
        return
    if user is not None:
        set_project_wish(user, project, Level.NOTHING)
    else:
        Refusal.objects.get_or_create(project=project, address=address.lower())
