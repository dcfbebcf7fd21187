"""What is said on pages about accounts, by allauth's names for it; what is not here is not said."""

ERRORS = {
    "email_password_mismatch": "E-mail address and password do not belong together.",
    "incorrect_password": "This is not your password.",
    "incorrect_code": "This code is not right, or it was used before.",
    "too_many_login_attempts": "Too many attempts: try again in five minutes.",
    "rate_limited": "Too many attempts: try again in five minutes.",
    "duplicate_email": "This address is yours already.",
    "max_email_addresses": "You have %d addresses already: remove one first.",
    "cannot_remove_primary_email": "You log in with this address: choose another for that first.",
}

MESSAGES = {
    "account/messages/cannot_delete_primary_email.txt": "You log in with {email}: choose another address for that first.",
    "account/messages/email_confirmation_failed.txt": "{email} belongs to another account.",
    "account/messages/email_confirmation_sent.txt": "We sent a letter to {email}: follow the link in it.",
    "account/messages/email_confirmed.txt": "{email} is confirmed.",
    "account/messages/email_deleted.txt": "{email} is removed.",
    "account/messages/password_changed.txt": "Your password is changed.",
    "account/messages/primary_email_set.txt": "You log in with this address from now on.",
    "account/messages/unverified_primary_email.txt": "Confirm the address first: we can send the letter again.",
    "mfa/messages/totp_activated.txt": "Two-factor authentication is on.",
    "mfa/messages/totp_deactivated.txt": "Two-factor authentication is off.",
    "socialaccount/messages/account_connected.txt": "The account is connected.",
    "socialaccount/messages/account_connected_updated.txt": "The account is connected already.",
    "socialaccount/messages/account_connected_other.txt": "This account is connected to another person here.",
    "socialaccount/messages/account_disconnected.txt": "The account is disconnected.",
}
