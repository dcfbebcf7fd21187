"""A project's hook secret in the form that GitLab asks of a signing token."""

from __future__ import annotations

import base64


def gitlab_signing_token(secret: str) -> str:
    """What GitLab is given: it takes the text after the underscore, decoded, as its key, which so is the secret itself."""
    return "whsec_" + base64.b64encode(secret.encode()).decode()
