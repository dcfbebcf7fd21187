"""News of this app, for those above it."""

from django.dispatch import Signal

# A letter to a person is written and wants to be sent: `letter` (accounts.sign_in.letters.Letter). Sent in the
# transaction of its cause, if there is one.
letter_written = Signal()
