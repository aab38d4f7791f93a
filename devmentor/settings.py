"""All settings, in one file, from the environment. `.env.example` explains each variable."""

import logging
from contextlib import suppress
from pathlib import Path

from csp.constants import NONE, SELF
from django.conf import global_settings

from devmentor import __version__, env
from devmentor.logs import logging_config
from devmentor.postgresql.driver import BoundedConnection
from realtime.origins import takes_cookies

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_files(BASE_DIR)

# --- What kind of run this is -------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = env.secret("SECRET_KEY", DEBUG, "for-development-only-this-key-guards-nothing-at-all")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

# --- Ports and addresses ------------------------------------------------------------------------
PORT = env.whole("PORT", 8002, least=1, most=65535)
SERVED_PORT = 0  # set where this process listens, on PORT or on what it was given
WEB_PORT = env.whole("WEB_PORT", 3001, least=0, most=65535)
_OLD_WEBSOCKET_URL = env.url("NEXT_PUBLIC_WEBSOCKET_URL", "", ("http", "https", "ws", "wss"))
PUBLIC_WEBSOCKET_URL = env.url("PUBLIC_WEBSOCKET_URL", "", ("ws", "wss")) or _OLD_WEBSOCKET_URL.replace(
    "http", "ws", 1
)
# Unset, the pages of this very process may open sockets; set, the list is all there is.
CORS_ORIGINS = env.origins("CORS_ORIGIN", f"http://localhost:3001,http://localhost:{WEB_PORT or PORT}")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
ADMIN_NETWORKS = env.networks("ADMIN_NETWORKS")
METRICS_NETWORKS = env.networks("METRICS_NETWORKS")
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT", False)

# --- Stores -------------------------------------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
_DATABASE = DATABASES["default"]
DATABASE_POOL_SIZE = env.whole("DATABASE_POOL_SIZE", 20, least=2, most=1000)
# Of one user: each may wait for the same board, with a connection of the pool.
WRITES_AT_ONCE = max(1, DATABASE_POOL_SIZE * 3 // 10)
if _DATABASE["ENGINE"].endswith("sqlite3"):
    _DATABASE["OPTIONS"] = {
        # Readers see a snapshot while one writer writes; writers queue at BEGIN instead of failing midway.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    # A file: the sockets' tests read from threads and processes of their own.
    _DATABASE["TEST"] = {"NAME": str(Path(_DATABASE["NAME"] or "db.sqlite3").with_suffix(".test.sqlite3"))}
else:
    _DATABASE["ENGINE"] = "devmentor.postgresql"
    _DATABASE["CONN_HEALTH_CHECKS"] = True
    # They are a session's, which a pooler that shares connections out by transaction does not keep.
    _DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = True
    _DATABASE["OPTIONS"] = {
        "connect_timeout": 5,
        # A connection that has become a black hole ends in seconds, whether idle or waiting for an answer.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        **_DATABASE.get("OPTIONS", {}),  # what DATABASE_URL says itself, after its question mark
        "pool": {
            "connection_class": BoundedConnection,
            "min_size": 2,
            "max_size": DATABASE_POOL_SIZE,
            "timeout": 6,  # longer than a lock is waited for
            "reconnect_timeout": 4,  # its pauses double: without this it would come back a minute late
        },
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URLS = env.redis_urls("REDIS_URL")
if REDIS_URLS:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "realtime.signed_layer.SignedLayer",
            "CONFIG": {"hosts": [env.redis_host("REDIS_URL", url) for url in REDIS_URLS]},
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
    }

# --- The real-time service ----------------------------------------------------------------------
JWT_SECRET = env.secret("JWT_SECRET", DEBUG, "for-development-only-these-tokens-guard-nothing")
JWT_SECRET_PREVIOUS = env.secret("JWT_SECRET_PREVIOUS", DEBUG, "") if env.text("JWT_SECRET_PREVIOUS") else ""
UNLISTED_SERVICE_TOKENS = env.boolean("UNLISTED_SERVICE_TOKENS", True)
ENABLE_REALTIME = env.boolean("ENABLE_REALTIME", True) and env.boolean("NEXT_PUBLIC_ENABLE_REALTIME", True)
STRICT_MODE = env.boolean("STRICT_MODE", False)
REQUIRE_AUTH = env.boolean("REQUIRE_AUTH", False)
RATE_LIMIT_ENABLED = env.boolean("RATE_LIMIT_ENABLED", False)
RATE_LIMIT_WINDOW = env.whole("RATE_LIMIT_WINDOW", 60_000, least=100)
RATE_LIMIT_MAX = env.whole("RATE_LIMIT_MAX", 100, least=1)
MAX_CONNECTIONS = env.whole("MAX_CONNECTIONS", 1000, least=1)
MAX_HELD_POLLS = env.whole("MAX_HELD_POLLS", 1000)
CONNECTIONS_KEPT_FOR_USERS = env.whole("CONNECTIONS_KEPT_FOR_USERS", 20, most=100)
# Unset, a tenth of all; at least ten, so that a few windows of one person fit into a small gateway.
_TENTH = max(10, MAX_CONNECTIONS // 10)
MAX_CONNECTIONS_PER_USER = env.whole("MAX_CONNECTIONS_PER_USER", _TENTH)
MAX_GUESTS_PER_ADDRESS = env.whole("MAX_GUESTS_PER_ADDRESS", _TENTH)
MAX_CONNECTIONS_PER_ADDRESS = env.whole("MAX_CONNECTIONS_PER_ADDRESS", 0)
MAX_PLAIN_CONNECTIONS = env.whole("MAX_PLAIN_CONNECTIONS", MAX_CONNECTIONS + MAX_HELD_POLLS + 1000)
MAX_PLAIN_CONNECTIONS_PER_ADDRESS = env.whole(
    "MAX_PLAIN_CONNECTIONS_PER_ADDRESS", max(10, MAX_PLAIN_CONNECTIONS // 5) if MAX_PLAIN_CONNECTIONS else 0
)
HANDSHAKES_PER_MINUTE = env.whole("HANDSHAKES_PER_MINUTE", 2000)
CONNECTION_TIMEOUT = env.whole("CONNECTION_TIMEOUT", 300_000, least=500)
MAX_CONNECTION_AGE = env.whole("MAX_CONNECTION_AGE", 14_400_000)
PUBLIC_BOARDS = env.choice("PUBLIC_BOARDS", "everybody", ("everybody", "staff", "nobody"))
WRITES_PER_MINUTE = env.whole("WRITES_PER_MINUTE", 1000)
LOG_BYTES_PER_HOUR = env.whole("LOG_BYTES_PER_HOUR", 50_000_000)
UNKNOWN_NAMES_PER_HOUR = env.whole("UNKNOWN_NAMES_PER_HOUR", 60)
MAX_BOARDS_PER_USER = env.whole("MAX_BOARDS_PER_USER", 200)
MAX_BOARDS_BY_OTHERS_PER_USER = env.whole("MAX_BOARDS_BY_OTHERS_PER_USER", 1000)
MAX_TASKS_PER_BOARD = env.whole("MAX_TASKS_PER_BOARD", 5000)
MAX_COLUMNS_PER_BOARD = env.whole("MAX_COLUMNS_PER_BOARD", 50)
MAX_LABELS_PER_BOARD = env.whole("MAX_LABELS_PER_BOARD", 500)
MAX_MEMBERS_PER_BOARD = env.whole("MAX_MEMBERS_PER_BOARD", 500)
MAX_COMMENTS_PER_BOARD = env.whole("MAX_COMMENTS_PER_BOARD", 50_000)
MAX_CHARACTERS_PER_BOARD = env.whole("MAX_CHARACTERS_PER_BOARD", 5_000_000)
CONNECTION_HISTORY_DAYS = env.whole("CONNECTION_HISTORY_DAYS", 30, most=36_500)
CONNECTION_HISTORY_GUESTS = env.whole("CONNECTION_HISTORY_GUESTS", 100_000)
EVENT_RETENTION_DAYS = env.whole("EVENT_RETENTION_DAYS", 90, most=36_500)
EVENT_RETENTION_MINIMUM = env.whole("EVENT_RETENTION_MINIMUM", 1000)
DRAIN_WINDOW = env.whole("DRAIN_WINDOW", 10_000)
MOCK_MODE = env.boolean("NEXT_PUBLIC_MOCK_MODE", False)
POLL_INTERVAL = env.whole("POLL_INTERVAL", 1000, least=100)
ONCALL_WEBHOOK_URL = env.url("ONCALL_WEBHOOK_URL", "", ("http", "https"), secret=True)
ONCALL_ROUTING_KEY = env.text("ONCALL_ROUTING_KEY")

# --- Applications and requests ------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",  # first: its `runserver` speaks ASGI, and so WebSocket
    "realtime.control_room.apps.ControlRoomConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "axes",
    "django_prometheus",
    "django_structlog",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "realtime",
    "projects",
    "devmentor",  # for its commands, which know both
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "realtime.middleware.DatabaseAwayMiddleware",
    "realtime.middleware.WriteRedirectMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "realtime.middleware.SocketSourceMiddleware",
    "devmentor.static.StaticFilesMiddleware",
    "realtime.cross_origin.CrossOriginMiddleware",
    "realtime.middleware.BlockedNetworkMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "realtime.middleware.SlashMiddleware",
    "realtime.cross_origin.CsrfMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "realtime.middleware.RequestLogMiddleware",
    "realtime.throttling.PageThrottleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "realtime.devices.DeviceMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
DEFAULT_EXCEPTION_REPORTER = "realtime.problems.FaultPage"
ROOT_URLCONF = "devmentor.urls"
ASGI_APPLICATION = "devmentor.asgi.application"
APPEND_SLASH = True
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

# --- Who is asking ------------------------------------------------------------------------------
AUTH_USER_MODEL = "projects.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/projects"
LOGOUT_REDIRECT_URL = "/login"
PASSWORD_HASHERS = ["devmentor.passwords.Hasher", *global_settings.PASSWORD_HASHERS[1:]]
LOGIN_ATTEMPTS_PER_MINUTE = env.whole("LOGIN_ATTEMPTS_PER_MINUTE", 20)
LOGIN_FAILURE_LIMIT = env.whole("LOGIN_FAILURE_LIMIT", 30)
AXES_ENABLED = LOGIN_FAILURE_LIMIT > 0
AXES_FAILURE_LIMIT = "realtime.log_in_lock.failure_limit"
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = "realtime.log_in_lock.lockout_parameters"
AXES_LOCKOUT_CALLABLE = "realtime.log_in_lock.lockout_answer"
AXES_USERNAME_CALLABLE = "realtime.log_in_lock.counted_name"
AXES_CLIENT_IP_CALLABLE = "realtime.throttling.counted_address"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

# --- REST ---------------------------------------------------------------------------------------
API_CALLS_PER_MINUTE = env.whole("API_CALLS_PER_MINUTE", 6000)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "realtime.authentication.BearerAuthentication",
        "realtime.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "realtime.authentication.GuestsWhereAllowed",
        "realtime.expected_user.ForExpectedUser",
        "projects.api.preconditions.ConditionsHeeded",
    ],
    "DEFAULT_PARSER_CLASSES": ["realtime.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["projects.api.renderers.FastJSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["realtime.throttling.CallThrottle"],
    "EXCEPTION_HANDLER": "realtime.throttling.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "DevMentor",
    "DESCRIPTION": "Live project boards: the same events over polling, long polling and WebSocket.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/",
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "realtime.openapi.add_expected_user",
        "realtime.openapi.add_refusals",
        "realtime.openapi.add_event_routes",
    ],
}
CORS_ALLOWED_ORIGINS = CORS_ORIGINS
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-csrftoken",
    "x-expected-user",
    "x-request-id",
    "x-requested-with",
    # What tracing adds to every call of a page: OpenTelemetry, Sentry.
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
]
CORS_EXPOSE_HEADERS = ["ETag", "Location", "Retry-After", "Idempotent-Replayed"]
CORS_URLS_REGEX = r"^/api/.*$"

# --- What browsers are told ---------------------------------------------------------------------
CSRF_TRUSTED_ORIGINS = [origin for origin in CORS_ORIGINS if takes_cookies(origin)]
SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # looks for Django's own class; ours is one of its kind
    "security.W005",  # hosts below ours, and lists that browsers keep, are the site's to decide about
    "security.W021",
]
CSRF_FAILURE_VIEW = "projects.web.sessions.csrf_failure"
SESSION_ENGINE = "devmentor.sessions"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$", r"^metrics$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],  # realtime.middleware adds the socket's own address
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Language, time, files ----------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
DATETIME_FORMAT = "j M Y, H:i:s"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
with suppress(OSError):  # whitenoise warns at each start where the folder is missing
    STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 60

# --- Logs and metrics ---------------------------------------------------------------------------
LOG_FILE = env.log_file("LOG_FILE")
# prometheus_client's own, which fails long before a command begins.
env.require_folder("PROMETHEUS_MULTIPROC_DIR")
LOGGING_CONFIG = "devmentor.logs.configure"
LOGGING = logging_config(debug=DEBUG, file=LOG_FILE)
PROMETHEUS_EXPORT_MIGRATIONS = False
DJANGO_STRUCTLOG_CELERY_ENABLED = False
DJANGO_STRUCTLOG_STATUS_5XX_LOG_LEVEL = logging.WARNING  # an outage's 503; what fails is logged as it does

IGNORED_SERVICE_LINKS = env.ignored
