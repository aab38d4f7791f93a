"""Where the parts meet: the gateway learns of the domain's rooms here, and nowhere else."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devmentor.settings")
django.setup(set_prefix=False)  # before all that needs the app registry

from devmentor import __version__, health  # noqa: E402
from devmentor.password_requests import PasswordHandler  # noqa: E402
from devmentor.postgresql.bounds import bound_statements  # noqa: E402
from devmentor.sessions import forget_expired  # noqa: E402
from projects.rooms import PROJECT  # noqa: E402
from projects.services import creation_prune, idempotency_prune  # noqa: E402
from realtime import log_in_records, service_tokens, token_families  # noqa: E402
from realtime.gateway import Gateway  # noqa: E402
from realtime.routing import Application  # noqa: E402

bound_statements()
cleaning = {
    "answers under idempotency keys": idempotency_prune,
    "ids that clients chose": creation_prune,
    "sessions": forget_expired,
    "failed log-ins": log_in_records.forget_attempts,
    "log-ins": log_in_records.forget_history,
    "families of tokens": token_families.forget,
    "tokens of services": service_tokens.forget,
}
gateway = Gateway([PROJECT], __version__, cleaning)
application = Application(gateway, PasswordHandler(), health.routes(gateway))
