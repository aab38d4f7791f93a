"""A board to test on, made through the REST API as a person would make it."""

from typing import Any

from tests.support.api import Api, answered
from tests.support.people import EDITOR, VIEWER


class Board:
    """A new project of the owner's with an editor, a viewer and the three columns it starts with."""

    def __init__(self, owner: Api, name: str = "Test board", public: bool = False) -> None:
        self.owner = owner
        self.id: str = answered(owner.post("/api/projects/", {"name": name, "public": public}), 201)["id"]
        self.path = f"/api/projects/{self.id}"
        for person, role in ((EDITOR, "editor"), (VIEWER, "viewer")):
            answered(owner.post(f"{self.path}/members/", {"username": person.username, "role": role}), 201)
        self.columns: dict[str, str] = {column["name"]: column["id"] for column in self.snapshot()["columns"]}

    def snapshot(self, reader: Api | None = None) -> dict[str, Any]:
        """`GET board/`: `{seq, project, members, columns, tasks}`, as `reader` (else the owner) sees it."""
        found: dict[str, Any] = answered((reader or self.owner).get(f"{self.path}/board/"), 200)
        return found

    @property
    def seq(self) -> int:
        return int(self.snapshot()["seq"])

    def add_task(self, title: str = "A task", **fields: Any) -> dict[str, Any]:
        task: dict[str, Any] = answered(
            self.owner.post(f"{self.path}/tasks/", {"title": title, **fields}), 201
        )
        return task

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """What a polling client reads after `since`."""
        page = answered(self.owner.get(f"{self.path}/events/", params={"since": since}), 200)
        return list(page["events"])
