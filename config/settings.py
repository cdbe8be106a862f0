"""Settings of the site. Everything that differs between installations comes from the environment (see .env.sample)."""

from datetime import timedelta
from urllib.parse import urlsplit

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from config.analytics import analytics
from config.databases import databases, read_only_without_primary
from config.env import BASE_DIR, VAR, env, flag, folder, networks, number, one_of, origins, rate, words
from config.limits import BODY_LIMIT, UNPACKED_LIMIT, UNPACKED_RATIO  # noqa: F401 - settings of this site
from config.secret_key import secret_key_of_this_checkout
from config.stored_files import storage_of
from datasets.read_only import REPLICA

django_stubs_ext.monkeypatch()  # so that annotations can say models.Field[Any, Any]
DEBUG = flag("DEBUG", default=False)

# Production has no defaults for these: report all that are missing at once, each with the command that sets it.
if not DEBUG:
    needed = {
        "SECRET_KEY": "export SECRET_KEY=\"$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')\", "
        "and keep it in .env, because a new key signs all users out",
        "ALLOWED_HOSTS": "export ALLOWED_HOSTS=data.example.org",
        "DATABASE_URL": "export DATABASE_URL=postgresql://USER:PASSWORD@localhost:5432/tabularium",
    }
    if missing := [
        f"{name} is not set. Production (DEBUG off) requires it. Type: {command}."
        for name, command in needed.items()
        if not env.str(name, default="").strip()
    ]:
        raise ImproperlyConfigured("\n".join([*missing, "To try the site on this machine, type instead: make run"]))

SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key_of_this_checkout()
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = words("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# In the syntax of Caddy: a domain means HTTPS; http://data.example.org or a port such as :80 means HTTP.
SITE_ADDRESS = words("SITE_ADDRESS", default=[])
ALLOWED_HOSTS += filter(None, (urlsplit(at if "://" in at else f"//{at}").hostname for at in SITE_ADDRESS))

# Database

DATABASES = databases()
DATABASE_ROUTERS = ["config.replicas.Router"] if REPLICA in DATABASES else []
READ_ONLY_WITHOUT_PRIMARY = read_only_without_primary(DATABASES)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Files

SOURCES_DIR = folder("SOURCES_DIR", default=BASE_DIR / "fixtures_src")
MEDIA_ROOT = folder("MEDIA_ROOT", default=VAR / "media")
STATIC_ROOT = folder("STATIC_ROOT", default=VAR / "static")
STATIC_URL = "/static/"
if STATIC_ROOT == MEDIA_ROOT or STATIC_ROOT in MEDIA_ROOT.parents:
    raise ImproperlyConfigured(
        f"MEDIA_ROOT is {MEDIA_ROOT}, inside STATIC_ROOT. Files in STATIC_ROOT are public, so uploads would be, too. "
        f"Type, for example: export MEDIA_ROOT={STATIC_ROOT.parent / 'media'}"
    )
ANALYTICS = analytics(STATIC_ROOT)  # the copy of the tables for summaries and charts, or None
UPLOAD_LIMIT = number("UPLOAD_LIMIT", default=2 * 1024**3)  # bytes of one upload, all its files together
UPLOAD_QUOTA_ACCOUNT = number("UPLOAD_QUOTA_ACCOUNT", default=20 * 1024**3)  # bytes stored for one account; 0: no limit
UPLOAD_QUOTA = number("UPLOAD_QUOTA", default=100 * 1024**3)  # bytes stored for all accounts together
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT
DOCUMENT_LIMIT = number("DOCUMENT_LIMIT", default=16 * 2**20)  # bytes of one JSON document in a file
# After 10,000 rejected rows, the import of a file stops if more than this percentage of its rows was rejected.
REJECTED_PERCENT = number("REJECTED_PERCENT", default=50)
FILES_COPIES = number("FILES_COPIES", default=10 * 1024**3)  # bytes of the copies of files in a bucket, on this host
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    **storage_of(env.str("FILES_STORAGE", default="").strip()),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "explore.charts.bundle.VegaFinder",  # builds the JavaScript bundle that draws charts
]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG  # gunicorn serves static files without collectstatic

# Seconds, 0: no limit. Total time of the queries of a page or JSON response; time until the first row of a download.
QUERY_SECONDS = number("QUERY_SECONDS", default=15)
FIRST_ROW_SECONDS = number("FIRST_ROW_SECONDS", default=60)

# Downloads take long: they use at most half of a process's threads and of its connections.
WEB_THREADS = number("WEB_THREADS", default=4)
STREAMS_AT_ONCE = max(1, min(WEB_THREADS, number("DATABASE_POOL_MAX_SIZE", default=8) or WEB_THREADS) // 2)
SIGN_INS_AT_ONCE = max(1, WEB_THREADS // 2)  # passwords that one process hashes at the same time

# Other origins whose pages may use /api/ from a browser: with a token, because cookies are not accepted from them.
CORS_ALLOWED_ORIGINS = origins("CORS_ORIGINS")
CORS_URLS_REGEX = "^/api/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS", "POST"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "if-none-match", "x-request-id"]
CORS_EXPOSE_HEADERS = (
    "Content-Disposition Data-As-Of ETag Location Masked-Columns Read-Only Retry-After X-Request-ID".split()
)

# The site

INSTALLED_APPS = [
    "datasets",
    "monitoring",
    "exports",
    "imports",
    "analytics",
    "curation",  # before the admin, and api before rest_framework: their templates override those
    "api",
    "curation.apps.DatasetAdminConfig",  # django.contrib.admin with an admin for every table
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "axes",
    "corsheaders",
    "explore",
    "people",
    "experiments",
    "census",
    "subjects",
]
MIDDLEWARE = [
    "monitoring.middleware.watch",  # outermost, so that refused and redirected requests are measured too
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "django.middleware.security.SecurityMiddleware",
    "config.csp.content_security_policy",
    "config.url_validation.check_address",
    "datasets.http.request_body_middleware.whole_bodies",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "datasets.http.head_requests.answer_as_get",
    "config.headers.add_headers",
    *(["config.read_only_middleware.ReadOnlyWithoutPrimary"] if READ_ONLY_WITHOUT_PRIMARY else []),
    "config.query_timeout_middleware.LimitQueryTime",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "monitoring.password_hashing.BusyAnswer",
    *(["config.storage_middleware.StorageAnswer"] if "imports" in STORAGES else []),
    "curation.admin.url_validation.CheckAdminAddress",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "monitoring.password_hashing.MaximumLength"}]
PASSWORD_HASHERS = ["monitoring.password_hashing.BoundedHasher"]
SESSION_ENGINE = "monitoring.sessions"
LOGIN_URL = "sign-in"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "config.formats"

# The API (pagination, filters and ordering: see datasets.records)

API_ANONYMOUS_READ = flag("API_ANONYMOUS_READ", default=DEBUG)
API_RATES = {
    "anonymous": rate("API_RATE_ANONYMOUS", default="600/minute"),  # per IP address
    "token": rate("API_RATE_TOKEN", default="1200/minute"),
}
API_RATES_SHARED = flag("API_RATES_SHARED", default=False)
TRUST_PROXY = flag("TRUST_PROXY", default=False)
MACHINE = ["127.0.0.0/8", "::1/128"]
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
TRUSTED_PROXIES = networks("TRUSTED_PROXIES", default=[*MACHINE, *PRIVATE])  # only these may set X-Forwarded-* headers
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.BearerAuthentication",  # the first one sets the WWW-Authenticate header of a 401
        "api.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["api.permissions.HasScope", "api.permissions.MayRead"],
    "DEFAULT_THROTTLE_CLASSES": ["api.throttling.AddressThrottle", "api.throttling.TokenThrottle"],
    "NUM_PROXIES": 1 if TRUST_PROXY else 0,  # trust the last address that the proxy added, if there is a proxy
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.negotiation.Negotiation",
    "DEFAULT_SCHEMA_CLASS": "api.openapi.schema.ApiSchema",
    "EXCEPTION_HANDLER": "api.problems.handle",
    "DATETIME_FORMAT": None,  # its renderer writes times
    # HTML pages are for developers.
    "DEFAULT_RENDERER_CLASSES": ["api.negotiation.ORJSONRenderer", *(["api.renderers.PageRenderer"] if DEBUG else [])],
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Tabularium",
    "DESCRIPTION": "Read the datasets and run imports from your own programs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "POSTPROCESSING_HOOKS": ["api.openapi.schema.add_parts"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # No deep links, which need a page each; no validation by a service on the web.
    "SWAGGER_UI_SETTINGS": {"docExpansion": "none", "validatorUrl": None},
}

# Background imports: tasks wait in the database for `manage.py worker`, one queue per dataset

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
WORKER_JOBS = ["analytics.upkeep.copying", "analytics.upkeep.sweeping"] if ANALYTICS else []  # besides its upkeep

# Security

HTTPS = flag("HTTPS", default=not DEBUG and not any(at.startswith((":", "http://")) for at in SITE_ADDRESS))
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = number("HSTS_SECONDS", default=30 * 24 * 3600) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# The preload list of browsers keeps a domain for years: only the owner of the domain can decide that.
SECURE_HSTS_PRELOAD = HTTPS and flag("HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # it requires HSTS_PRELOAD, which is optional here
# Only behind a proxy that sets this header itself: otherwise any client could claim to use HTTPS.
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS", default=[])
METRICS_ALLOWED = networks("METRICS_ALLOWED", default=MACHINE)
METRICS_COLLECTORS = [  # in addition to the metrics of the process
    "imports.metrics.ImportsCollector",
    *(["analytics.metrics.CopyCollector"] if ANALYTICS else []),
    *(["monitoring.replica_metrics.ReplicaCollector"] if REPLICA in DATABASES else []),
]
METRICS_PORT = number("METRICS_PORT", default=0)  # port of the worker, which serves no other requests

# Sign-in. Failed attempts are counted in the database, for all processes. Their names and addresses are stored until
# the lock ends. Successful sign-ins are not stored.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "monitoring.sign_in_attempts.NamesOnly",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = number("SIGN_IN_FAILURES", default=5)
AXES_ENABLED = AXES_FAILURE_LIMIT > 0
AXES_COOLOFF_TIME = timedelta(minutes=number("SIGN_IN_PAUSE", default=15) or 1)
AXES_HANDLER = "monitoring.sign_in_attempts.Attempts"
AXES_USERNAME_CALLABLE = "monitoring.sign_in_attempts.name_counted"
SIGN_IN_FAILURES_OF_ADDRESS = number("SIGN_IN_FAILURES_OF_ADDRESS", default=20)  # for all accounts together
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # an attacker at another address cannot lock the owner out
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False  # manage.py axes_list_attempts and axes_reset_username do what its pages would
AXES_CLIENT_IP_CALLABLE = "monitoring.client_ip.client_address"
AXES_LOCKOUT_CALLABLE = "monitoring.login_metrics.locked_out"
SESSION_COOKIE_AGE = (number("SESSION_HOURS", default=12) or 1) * 3600  # counted from the sign-in
SESSION_EXPIRE_AT_BROWSER_CLOSE = flag("SESSION_ENDS_WITH_BROWSER", default=False)

# Logs go to standard error

LOG_LEVEL = one_of("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], default="INFO")
LOG_FORMAT = one_of("LOG_FORMAT", ["text", "json"], default="text" if DEBUG else "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "monitoring.log_format.TextLines"},
        "json": {"()": "monitoring.log_format.JSONLines"},
    },
    "filters": {"untraced": {"()": "monitoring.log_format.WithoutTraceOfRefusals"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["untraced"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": LOG_LEVEL, "propagate": False},
        # In production, the access log has a line for each request already, without its path, which a client chooses.
        "django.request": {"level": LOG_LEVEL if DEBUG else "ERROR"},
        "axes": {"level": "CRITICAL"},  # django-axes logs names and addresses of sign-ins
        "psycopg.pool": {"level": "ERROR"},  # it warns about every attempt to connect; the waiting code reports it once
    },
}
