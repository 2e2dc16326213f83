"""BankID login in Django, with python-social-auth: a whole project in one file."""

import logging
import os
import secrets
import sys
from urllib.parse import urlencode

from django.conf import settings

ISSUER = os.environ.get("ISSUER", "http://localhost:8080")
PORT = os.environ.get("PORT", "3000")
HOME = os.environ.get("APP", f"http://localhost:{PORT}")
CLIENT_ID = os.environ.get("CLIENT_ID", "my-app")

settings.configure(
    DEBUG=True, ALLOWED_HOSTS=["localhost", "127.0.0.1"], ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("SESSION_SECRET") or secrets.token_hex(),
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "social_django"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", f"{__name__}.Cancelled"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", "app.sqlite3")}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    SESSION_COOKIE_AGE=3600, LOGIN_REDIRECT_URL="/",
    AUTHENTICATION_BACKENDS=["social_core.backends.open_id_connect.OpenIdConnectAuth"],
    SOCIAL_AUTH_OIDC_OIDC_ENDPOINT=ISSUER,
    SOCIAL_AUTH_OIDC_KEY=CLIENT_ID,
    SOCIAL_AUTH_OIDC_SECRET=os.environ.get("CLIENT_SECRET", ""),
    SOCIAL_AUTH_OIDC_SCOPE=["openid", "profile"], SOCIAL_AUTH_OIDC_IGNORE_DEFAULT_SCOPE=True,
    SOCIAL_AUTH_OIDC_USERNAME_KEY="sub",
    SOCIAL_AUTH_OIDC_EXTRA_DATA=["name", "personalNumber"],  # kept in the table social_auth_usersocialauth
    # The stock pipeline without the step that joins accounts by e-mail address.
    SOCIAL_AUTH_PIPELINE=[f"social_core.pipeline.{step}" for step in (
        "social_auth.social_details", "social_auth.social_uid", "social_auth.auth_allowed", "social_auth.social_user",
        "user.get_username", "user.create_user", "social_auth.associate_user", "social_auth.load_extra_data", "user.user_details")],
)

import django  # noqa: E402
django.setup()

from django.contrib.auth import logout as end_session  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.middleware.csrf import get_token  # noqa: E402
from django.shortcuts import redirect  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils.html import format_html  # noqa: E402
from django.views.decorators.http import require_POST  # noqa: E402
from social_core.exceptions import AuthCanceled, SocialAuthBaseException  # noqa: E402
from social_django.middleware import SocialAuthExceptionMiddleware  # noqa: E402

LOG_IN = '<p><a href="/login/oidc/">Log in with BankID</a></p>'


class Cancelled(SocialAuthExceptionMiddleware):
    """Tells people kindly of a login that did not come about."""

    def process_exception(self, request, exception):
        if isinstance(exception, AuthCanceled):
            return HttpResponse("<p>You were not logged in. Nothing has happened.</p>" + LOG_IN)
        if isinstance(exception, SocialAuthBaseException):
            logging.getLogger(__name__).warning("login: %s", exception)
            return HttpResponse("<p>The login did not work.</p>" + LOG_IN)
        return None


def home(request):
    if not request.user.is_authenticated:
        return HttpResponse(LOG_IN)
    person = request.user.social_auth.get(provider="oidc").extra_data
    return HttpResponse(format_html(
        '<p>Hello, {}. Your personal number is {}.</p><form method="post" action="/logout">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}"><button>Log out</button></form>',
        person["name"], person["personalNumber"], get_token(request)))


@require_POST
def logout(request):
    end_session(request)
    return redirect(f"{ISSUER}/logout?" + urlencode({"client_id": CLIENT_ID, "post_logout_redirect_uri": f"{HOME}/"}))


urlpatterns = [path("", home), path("logout", logout), path("", include("social_django.urls", namespace="social"))]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line([sys.argv[0], "migrate", "-v", "0"])
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", f"127.0.0.1:{PORT}"])
