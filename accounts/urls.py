"""Web addresses of this app."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts import views

urlpatterns = [
    path("login", views.LogIn.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("account", views.account, name="account"),
    path("account/name", views.set_name, name="account_name"),
    path("account/password", views.set_password, name="account_password"),
    path("account/tokens", views.create_token, name="token_create"),
    path("account/tokens/<int:token_id>/revoke", views.delete_token, name="token_revoke"),
]
