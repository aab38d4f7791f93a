"""Django's hasher of passwords, kept out of the threads in which other requests are answered.

A hash takes a fifth of a second of a core by intent, so a crowd of them would keep everybody else waiting.
`devmentor.password_requests` has threads for the requests that need one.
"""

import threading

from django.contrib.auth.hashers import PBKDF2PasswordHasher

_thread = threading.local()


def forbid_hashing() -> None:
    """In the thread that calls this no password is hashed from now on."""
    _thread.hashes_nothing = True


class Hasher(PBKDF2PasswordHasher):
    """PBKDF2 as Django does it. A view in the wrong thread is found by its first test, not by an attacker."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        if getattr(_thread, "hashes_nothing", False):
            raise RuntimeError("a view that hashes a password has to be in devmentor.password_requests.DOORS")
        return super().encode(password, salt, iterations)
