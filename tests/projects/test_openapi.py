"""The OpenAPI document: valid, without a warning, and true."""

from typing import Any

from projects.api.urls import urlpatterns

OWN = ("/api/projects", "/api/columns", "/api/tasks", "/api/comments", "/api/members", "/api/me")


def own_operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith(OWN) and not path.endswith(("/publish/", "/events/"))
    ]


def test_every_address_of_ours_is_in_it(document):
    assert len({path for path, *_ in own_operations(document)}) == len(urlpatterns)


def test_every_write_takes_a_key_and_every_refusal_is_a_problem(document):
    shared = document["components"]["responses"]
    for path, method, operation in own_operations(document):
        headers = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("Idempotency-Key" in headers) == (method != "get"), (method, path)
        for status, answer in operation["responses"].items():
            if status >= "400":
                told = shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
                assert told["description"]
                assert list(told["content"]) == ["application/problem+json"], (method, path, status)


def test_a_created_entity_has_an_address_and_a_task_a_version(document):
    created = document["paths"]["/api/projects/{project_id}/tasks/"]["post"]["responses"]["201"]
    assert {"Location", "ETag"} <= set(created["headers"])


def test_a_body_takes_no_other_keys_and_a_guest_may_read(document):
    shapes = document["components"]["schemas"]
    assert shapes["TaskCreate"]["additionalProperties"] is False
    assert "additionalProperties" not in shapes["Task"]
    for path, method, operation in own_operations(document):
        assert ({} in operation["security"]) == (method == "get" and path != "/api/me/"), (method, path)
