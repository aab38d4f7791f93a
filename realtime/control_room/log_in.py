"""The admin's log-in form."""

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError

from realtime import log_in_lock


class LogInForm(AdminAuthenticationForm):
    """Says when a name that is locked may be tried again."""

    def get_invalid_login_error(self) -> ValidationError:
        lock = None if self.request is None else log_in_lock.lock_on(self.request)
        if lock is None:
            return super().get_invalid_login_error()
        return ValidationError(
            f"Too many attempts failed. Log-in with this name is locked here: try again in {lock}.",
            code="locked",
        )
