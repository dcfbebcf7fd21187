"""What the frame around every page needs: the person's organisations, and what runs now."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, Any]:
    """Values for base.html."""
    return {}
