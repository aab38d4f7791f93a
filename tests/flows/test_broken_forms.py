"""Forms that nobody can read, at every kind of address: each is refused, and none is a fault of ours."""

import httpx
import pytest

from tests.support.stack import Stack

FIELD = b'--x\r\nContent-Disposition: form-data; name="a"'
FORMS: dict[str, tuple[bytes, bytes]] = {
    "no boundary": (b"multipart/form-data", b"x"),
    "an empty boundary": (b"multipart/form-data; boundary=", b"x"),
    "a boundary of bytes": (b'multipart/form-data; boundary="\xe9"', b"x"),
    "base64 that is none": (
        b"multipart/form-data; boundary=x",
        FIELD + b'; filename="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--\r\n',
    ),
    "fields without end": (b"application/x-www-form-urlencoded", b"a=1&" * 2000),
    "parts without end": (
        b"multipart/form-data; boundary=x",
        b"".join(FIELD + b"\r\n\r\n1\r\n" for _ in range(2000)) + b"--x--\r\n",
    ),
}
PATHS = ("/", "/login", "/logout", "/projects", "/nothing", "/nothing/", "/static/nothing", "/admin/", "/%00")


# With DEBUG on Django shows pages of its own in place of those that answer in production.
@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(DEBUG="false")
def test_a_form_that_cannot_be_read_is_refused_wherever_it_is_sent(own_stack: Stack) -> None:
    """The answer to an address that is not there read it as well: 500, and two tracebacks for each try."""
    url = own_stack.first.http_url
    with httpx.Client(base_url=url, timeout=20) as client:
        client.get("/login").raise_for_status()  # without a CSRF cookie no form is read
        for path in PATHS:
            for name, (media_type, body) in FORMS.items():
                headers = {b"Content-Type": media_type}
                status = client.post(path, headers=headers, content=body).status_code
                assert 400 <= status < 500, (path, name, status)
    assert "Traceback" not in own_stack.first.log.read_text()


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(DEBUG="false")
def test_an_address_that_is_not_there_has_a_page_for_people(own_stack: Stack) -> None:
    answer = httpx.get(f"{own_stack.first.http_url}/nothing", timeout=20)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
