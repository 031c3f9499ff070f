"""Django's settings, all from the environment through `hq_project.environment`.

What is wrong is collected in `HQ_PROBLEMS` and stops the start as a system check
(`hq_project.checks`), so that every mistake is shown at once and as a sentence.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from hq_project import limits, logs
from hq_project.environment import Environment, strong_secret
from hq_project.limits import *  # noqa: F403  (HQ_..., every limit)
from hq_project.secret import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent
environment = Environment(os.environ)

DEBUG = environment.flag("HQ_DEBUG")
# Keys are made and plain-http cookies are set only here. Test runners switch DEBUG itself off.
HQ_DEVELOPMENT = DEBUG
HQ_VAR_DIR = environment.private_folder("HQ_VAR_DIR", BASE_DIR / "var")
SECRET_KEY = environment.text("HQ_SECRET_KEY")
if not SECRET_KEY and DEBUG:
    SECRET_KEY = kept_secret(HQ_VAR_DIR / "development.secret")
elif not SECRET_KEY:
    environment.problems.append(
        "HQ_SECRET_KEY is not set. Set it to 50 random characters or more, or point "
        "HQ_SECRET_KEY_FILE at a file that holds them."
    )
    SECRET_KEY = secrets.token_urlsafe(48)  # of a process that ends with that sentence
elif not strong_secret(SECRET_KEY):
    environment.problems.append(
        "HQ_SECRET_KEY is too weak. Set it to 50 random characters or more, copied from nowhere."
    )

# Addresses

HQ_PORT = environment.integer("PORT", 8000, least=1, most=65535)
HQ_PUBLIC_ORIGINS = environment.origins("HQ_PUBLIC_ORIGIN")
if not HQ_PUBLIC_ORIGINS and DEBUG:
    HQ_PUBLIC_ORIGINS = [f"http://localhost:{HQ_PORT}", f"http://127.0.0.1:{HQ_PORT}"]
elif not HQ_PUBLIC_ORIGINS:
    environment.problems.append(
        "HQ_PUBLIC_ORIGIN is not set. Set it to the address in the browser, such as "
        "https://hq.example.org."
    )
elif not DEBUG and not all(origin.startswith("https://") for origin in HQ_PUBLIC_ORIGINS):
    environment.problems.append("HQ_PUBLIC_ORIGIN must start with https:// unless HQ_DEBUG is on.")
HQ_ALLOWED_ORIGINS = environment.origins("HQ_ALLOWED_ORIGINS")
HQ_TRUSTED_PROXIES = environment.networks("HQ_TRUSTED_PROXIES")
HQ_SECURE_COOKIES = any(origin.startswith("https://") for origin in HQ_PUBLIC_ORIGINS)
ALLOWED_HOSTS = environment.words("HQ_ALLOWED_HOSTS")
if not ALLOWED_HOSTS:
    ALLOWED_HOSTS = [origin.split("://")[1].rsplit(":", 1)[0] for origin in HQ_PUBLIC_ORIGINS]
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = list(HQ_PUBLIC_ORIGINS)
APPEND_SLASH = False

# Database and channel layer

DATABASES = {"default": environment.database("DATABASE_URL", HQ_VAR_DIR / "hq.sqlite3")}
REDIS_URL = environment.redis_url("REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, object]]
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [
                    {
                        "address": REDIS_URL,
                        "retry": Retry(ExponentialBackoff(cap=0.2, base=0.02), 3),
                        "retry_on_error": [ConnectionError, TimeoutError],
                        "socket_connect_timeout": 1,
                        "health_check_interval": 5,
                    }
                ]
            },
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 10_000},
        }
    }

HQ_AUDIT_CHECKPOINTS = environment.text("HQ_AUDIT_CHECKPOINTS") or str(
    HQ_VAR_DIR / "audit" / "checkpoints.jsonl"
)

# Sessions and tokens

AUTH_USER_MODEL = "agents.Agent"
HQ_JWT_PRIVATE_KEY = environment.text("HQ_JWT_PRIVATE_KEY")
HQ_JWT_VERIFYING_KEYS = environment.text("HQ_JWT_VERIFYING_KEYS")
if not HQ_JWT_PRIVATE_KEY and not DEBUG and not any((HQ_VAR_DIR / "keys").glob("*.pem")):
    environment.problems.append(
        "HQ_JWT_PRIVATE_KEY is not set. Make one with "
        "`openssl ecparam -name prime256v1 -genkey -noout` and set it, or point "
        "HQ_JWT_PRIVATE_KEY_FILE at the file; or keep keys in HQ_VAR_DIR with "
        "`manage.py rotate_key`."
    )
HQ_JWT_ISSUER = environment.text("HQ_JWT_ISSUER", "hq")
HQ_ACCESS_MINUTES = environment.integer("HQ_ACCESS_MINUTES", 15, least=1, most=1440)
HQ_REFRESH_HOURS = environment.integer("HQ_REFRESH_HOURS", 24, least=1, most=24 * 90)
HQ_SESSION_DAYS = environment.integer("HQ_SESSION_DAYS", 30, least=1, most=365)
SIMPLE_JWT = {
    "ALGORITHM": "ES256",
    "ISSUER": HQ_JWT_ISSUER,
    "AUDIENCE": HQ_JWT_ISSUER,
    "LEEWAY": 5,
    "USER_ID_CLAIM": "sub",
    "USER_ID_FIELD": "id",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=HQ_ACCESS_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=HQ_REFRESH_HOURS),
    "UPDATE_LAST_LOGIN": False,
}
AUTHENTICATION_BACKENDS = ["agents.backends.AgentBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("UserAttributeSimilarityValidator", {"user_attributes": ("username", "codename")}),
    )
]

# Guessing (agents.lockout) and the second factor (agents.mfa)

AXES_HANDLER = "agents.lockout.Handler"
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
OTP_TOTP_ISSUER = "HQ"
OTP_TOTP_SYNC = False
OTP_TOTP_THROTTLE_FACTOR = 0  # agents.lockout counts instead
SILENCED_SYSTEM_CHECKS = ["axes.W002"]  # refusals are answered by agents.api and the admin

# Django

INSTALLED_APPS = [
    "hq_project",
    "agents",
    "missions",
    "agents.apps.HQAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "axes",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "hq_project.forwarded.trusted_proxies",
    "hq_project.headers.security_headers",
    "hq_project.cors.other_origins",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "agents.admin_sessions.AdminSessionMiddleware",
    "agents.admin_trail.forbidden_pages",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "hq_project.urls"
ASGI_APPLICATION = "hq_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Collected by one user and served by another, though manage.py makes files for their owner alone.
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
CSRF_COOKIE_NAME = "csrftoken"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "agents.admin_trail.csrf_failure"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = HQ_SECURE_COOKIES
SESSION_COOKIE_NAME = "__Host-sessionid" if HQ_SECURE_COOKIES else "sessionid"
SESSION_COOKIE_SAMESITE = "Strict"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_AGE = 8 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = 31_536_000 if HQ_SECURE_COOKIES else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HQ_SECURE_COOKIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # see hq_project.forwarded
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [
            SELF,
            *(origin.replace("http", "ws", 1) for origin in HQ_PUBLIC_ORIGINS),
        ],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["agents.api.authentication.SessionJWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["agents.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "agents.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "HQ",
    "DESCRIPTION": "The operations room: sessions, missions, updates.",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "Role": "missions.api.fields.ROLE_NAMES",
        "Clearance": "missions.api.fields.CLEARANCE_NAMES",
        "Kind": "missions.api.fields.KIND_NAMES",
        "KindButPosition": "missions.api.fields.KINDS_BUT_POSITION",
        "Status": "missions.api.fields.STATUS_NAMES",
    },
    "PREPROCESSING_HOOKS": ["hq_project.schema.one_of_each"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "missions.api.schema.rules_between_fields",
        "hq_project.schema.exact_bodies",
    ],
}
LOGGING = logs.configuration(development=HQ_DEVELOPMENT)

HQ_PROBLEMS = environment.problems + limits.environment.problems
