"""Answers without a body say nothing of its length, whoever gives them (RFC 9110, section 8.6)."""

import httpx
import pytest

from tests.support.api import Api
from tests.support.boards import Board
from tests.support.people import OWNER
from tests.support.raw_http import RawHttp, head
from tests.support.stack import Stack

STATIC = "/static/projects/icon.svg"


def test_what_has_no_content_has_no_length(stack: Stack, board: Board) -> None:
    """Not even 0, by which a proxy or a client may take it for another answer's length."""
    comment = board.owner.post(f"/api/tasks/{board.add_task()['id']}/comments/", {"text": "x"}).json()
    guest = stack.api(None)
    refresh = guest.post("/api/auth/token/", OWNER.credentials).json()["refresh"]
    for answer in (
        board.owner.delete(f"/api/comments/{comment['id']}/"),
        guest.post("/api/auth/token/end/", {"refresh": refresh}),
        httpx.options(f"{stack.first.http_url}/socket.io/?EIO=4"),
    ):
        assert answer.status_code == 204, answer.request.url
        assert "content-length" not in answer.headers, answer.request.url
        assert "transfer-encoding" not in answer.headers, answer.request.url
    with RawHttp(stack.first.http_url) as door:
        door.send(head("OPTIONS", "*", door.host))
        answered = door.answer()
    assert (answered.status, "content-length" in answered.headers) == (204, False)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("address", ["{board}/board/", "{board}/events/?since={seq}", STATIC])
def test_what_has_not_changed_has_no_other_length(
    stack: Stack, board: Board, address: str, method: str
) -> None:
    """A cache would take 0 for the length of the answer that it keeps."""
    reader: Api = stack.api(OWNER)
    path = address.format(board=board.path, seq=board.seq)
    first = reader.get(path)
    tags = {
        "If-None-Match": first.headers.get("etag", ""),
        "If-Modified-Since": first.headers.get("last-modified", ""),
    }
    same = reader.request(method, path, headers={name: tag for name, tag in tags.items() if tag})
    assert (same.status_code, same.content) == (304, b"")
    told = same.headers.get("content-length")
    assert told is None or told == first.headers["content-length"]
    assert "transfer-encoding" not in same.headers
