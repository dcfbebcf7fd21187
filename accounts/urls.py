"""Web addresses of this app. The names that begin with account_, mfa_ and socialaccount_ are those that allauth asks for."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import doors, entrance, views

urlpatterns = [
    path("login", entrance.log_in, name="login"),
    path("login", entrance.log_in, name="account_login"),
    path("login/inactive", entrance.inactive, name="account_inactive"),
    path("login/code", entrance.code, name="mfa_authenticate"),
    path("login/cancelled", doors.cancelled, name="socialaccount_login_cancelled"),
    path("login/failed", doors.failed, name="socialaccount_login_error"),
    path("login/github", doors.github, name="github_login"),
    path("login/github/back", doors.github_back, name="github_callback"),
    path("login/gitlab", doors.gitlab, name="gitlab_login"),
    path("login/gitlab/back", doors.gitlab_back, name="gitlab_callback"),
    path("login/bitbucket", doors.bitbucket, name="bitbucket_oauth2_login"),
    path("login/bitbucket/back", doors.bitbucket_back, name="bitbucket_oauth2_callback"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("sign-up", entrance.sign_up, name="account_signup"),
    path("sign-up/address", doors.sign_up, name="socialaccount_signup"),
    path("confirm", entrance.confirmation_sent, name="account_email_verification_sent"),
    path("confirm/<key>", entrance.confirm_address, name="account_confirm_email"),
    path("password", entrance.forgotten, name="account_reset_password"),
    path("password/sent", entrance.forgotten_sent, name="account_reset_password_done"),
    path("password/new", entrance.password_chosen, name="account_reset_password_from_key_done"),
    path("password/<uidb36>/<key>", entrance.choose_password, name="account_reset_password_from_key"),
    path("account", views.account, name="account"),
    path("account/name", views.set_name, name="account_name"),
    path("account/password", views.set_password, name="account_password"),
    path("account/mail", views.set_mail, name="account_mail"),
    path("account/addresses", entrance.addresses, name="account_email"),
    path("account/confirm", entrance.password_again, name="account_reauthenticate"),
    path("account/confirm/code", entrance.code_again, name="mfa_reauthenticate"),
    path("account/factors", views.factors, name="mfa_index"),
    path("account/factors/on", entrance.factor_on, name="mfa_activate_totp"),
    path("account/factors/off", entrance.factor_off, name="mfa_deactivate_totp"),
    path("account/codes", entrance.codes, name="mfa_view_recovery_codes"),
    path("account/codes/new", entrance.new_codes, name="mfa_generate_recovery_codes"),
    path("account/sessions/<int:session_id>/end", views.end_session, name="session_end"),
    path("account/sessions/end", views.end_sessions, name="sessions_end"),
    path("account/connections/<int:connection_id>/remove", doors.disconnect, name="connection_remove"),
    path("account/tokens", views.create_token, name="token_create"),
    path("account/tokens/<int:token_id>/revoke", views.delete_token, name="token_revoke"),
]
