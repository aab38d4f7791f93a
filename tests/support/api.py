"""A REST client that answers with the plain response, so that a test says which status it expects."""

from typing import Any

import httpx

from tests.support.documented import check_response
from tests.support.people import Person

TIMEOUT_SECONDS = 40  # above the longest poll, 30 s


def bearer(token: str | None, **more: str) -> dict[str, str]:
    """The headers of whoever has this token (None: a guest), and `more`."""
    return {**({"Authorization": f"Bearer {token}"} if token else {}), **more}


class Api:
    """Speaks to one gateway as one person, or as a guest without a token.

    Raises nothing by itself, but where the OpenAPI document lacks the status that was answered.
    """

    def __init__(self, base_url: str, token: str | None = None) -> None:
        self._client = httpx.Client(
            base_url=base_url,
            timeout=TIMEOUT_SECONDS,
            event_hooks={"response": [check_response]},
        )
        self.use(token)

    def use(self, token: str | None) -> None:
        """Speak by this token from now on: one lives for 15 minutes."""
        self.token = token
        self._client.headers.update(bearer(token))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._client.get(path, **options)

    def head(self, path: str, **options: Any) -> httpx.Response:
        return self._client.head(path, **options)

    def post(self, path: str, data: object = None, **options: Any) -> httpx.Response:
        return self._client.post(path, json=data, **options)

    def put(self, path: str, data: object = None, **options: Any) -> httpx.Response:
        return self._client.put(path, json=data, **options)

    def patch(self, path: str, data: object = None, **options: Any) -> httpx.Response:
        return self._client.patch(path, json=data, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self._client.delete(path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._client.request(method, path, **options)

    def close(self) -> None:
        self._client.close()


def log_in(base_url: str, person: Person) -> str:
    """An access token, got with name and password as any client gets one."""
    url = f"{base_url}/api/auth/token/"
    answer = httpx.post(url, json=person.credentials, timeout=TIMEOUT_SECONDS)
    return str(answered(answer, httpx.codes.OK)["access"])


def answered(response: httpx.Response, status: int) -> Any:
    """The body of an answer with this status; an AssertionError that shows the whole answer otherwise."""
    if response.status_code != status:
        request = response.request
        raise AssertionError(
            f"{request.method} {request.url}: expected {status}, got {response.status_code}\n"
            f"{response.text[:2000]}"
        )
    return response.json() if response.content else None
