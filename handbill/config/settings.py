"""Django's settings, made from the newsroom's (``handbill.kit.settings``). Two faces share them: see ``faces``."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from handbill.kit.keys import LiveKeys
from handbill.kit.settings import find_home, load_settings

HANDBILL = load_settings(find_home(None, os.environ))
KEYS = LiveKeys(HANDBILL.keys_folder)

SECRET_KEY = KEYS.django.secret.hex()
DEBUG = False
ALLOWED_HOSTS = [
    urlsplit(HANDBILL.public_address).hostname or "",
    urlsplit(HANDBILL.desk_address).hostname or "",
    "127.0.0.1",
    "localhost",
]
CSRF_TRUSTED_ORIGINS = [HANDBILL.desk_address]
ROOT_URLCONF = "handbill.config.urls_desk"
WSGI_APPLICATION = "handbill.config.wsgi.desk"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "handbill.config",
    "handbill.ops",
    "handbill.desk",
    "handbill.site",
    "handbill.digest",
    "handbill.articles",
    "handbill.stories",
    "handbill.wire",
    "handbill.subscribers",
    "handbill.sources",
    "handbill.topics",
    "handbill.delivery",
    "handbill.work",
    "wagtail.snippets",
    "wagtail.users",
    "wagtail.images",
    "wagtail.documents",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
]

MIDDLEWARE = [
    "handbill.config.faces.FaceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent.parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES: dict[str, Any]
if HANDBILL.embedded:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HANDBILL.home / "handbill.sqlite3",
            "CONN_MAX_AGE": 60,  # whoever closes the last one writes the whole journal back: 18 ms of each request
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
            "TEST": {"NAME": HANDBILL.home / "test.sqlite3"},
        }
    }
else:
    DATABASES = {"default": dj_database_url.parse(HANDBILL.database, conn_max_age=60, conn_health_checks=True)}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "handbill_cache"}}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "handbill.desk.login.DeskAccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = HANDBILL.desk_address.startswith("http://localhost")
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 1
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_DISABLE_ACCESS_LOG = True
AXES_USERNAME_CALLABLE = "handbill.desk.login.login_name"
AXES_LOCKOUT_TEMPLATE = "account/locked.html"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HANDBILL.desk_address.startswith("https://")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"

LANGUAGE_CODE = HANDBILL.language
LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("ar", "العربية"),
    ("uk", "Українська"),
]
TIME_ZONE = HANDBILL.time_zone
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = HANDBILL.static_folder
STATICFILES_DIRS: list[str] = []
MEDIA_URL = "/media/"
MEDIA_ROOT = HANDBILL.media_folder

WAGTAIL_SITE_NAME = HANDBILL.name
WAGTAILADMIN_BASE_URL = HANDBILL.desk_address
WAGTAILIMAGES_MAX_IMAGE_PIXELS = 40_000_000  # about 160 MB while it is read
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAILEMBEDS_FINDERS: list[dict[str, str]] = []
WAGTAIL_WORKFLOW_ENABLED = True
WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # mail leaves through delivery alone
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
WAGTAIL_AUTO_UPDATE_PREVIEW = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_tokens": {"()": "handbill.config.logs.WithoutTokens"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["without_tokens"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"handbill": {"level": "INFO"}},
}

if HANDBILL.broker == "filesystem":
    _queue = HANDBILL.run_folder / "queue"
    CELERY_BROKER_URL = "newsroom://localhost//"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "control_folder": str(_queue / "control"),
        "processed_folder": str(_queue / "processed"),
        "polling_interval": 0.2,
    }
else:
    CELERY_BROKER_URL = HANDBILL.broker
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = HANDBILL.workers
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(HANDBILL.run_folder / "beat-schedule")
CELERY_BEAT_SCHEDULE = {"tick": {"task": "handbill.ops.tasks.tick", "schedule": 10.0, "options": {"expires": 20}}}
CELERY_TASK_DEFAULT_QUEUE = "handbill"
