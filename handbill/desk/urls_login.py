"""The way in: allauth's login with its second factor, and nothing of allauth that mails or signs people up."""

from allauth.account import views as account
from django.urls import include, path, re_path
from django.views.generic import RedirectView, TemplateView

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("signup/", account.signup, name="account_signup"),
    path(
        "password/reset/",
        TemplateView.as_view(template_name="account/password_reset.html"),
        name="account_reset_password",
    ),
    re_path(r"^password_reset/", RedirectView.as_view(pattern_name="account_reset_password")),
    path("2fa/", include("allauth.mfa.urls")),
]
