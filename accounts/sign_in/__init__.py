"""How people get in: what django-allauth asks of us, in our words and with our rules."""
