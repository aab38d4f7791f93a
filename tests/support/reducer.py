"""A client's reducer, in its plainest form: the board at seq n and event n + 1 give the board at n + 1.

Written from the contract alone. It knows nothing of the services, so it can find them out.
"""

from copy import deepcopy
from typing import Any

Snapshot = dict[str, Any]
OURS = {"project", "member", "person", "column", "task", "comment"}
SHOWN_DESCRIPTION = 2000  # characters of it on a board; an event has it whole


def replay(snapshot: Snapshot, events: list[dict[str, Any]]) -> Snapshot | None:
    """The board after the events; None once the project is deleted."""
    board: Snapshot | None = {"people": [], **deepcopy(snapshot)}
    for event in events:
        assert board is not None, f"an event after the end of the project: {event}"
        assert event["seq"] == board["seq"] + 1, f"a hole before {event}"
        board = apply(board, event["event"], deepcopy(event["data"]))
        if board is not None:
            board["seq"] = event["seq"]
    return board and in_board_order(board)


def apply(board: Snapshot, event: str, data: dict[str, Any]) -> Snapshot | None:
    entity, happened = event.split(":")
    if entity not in OURS:
        return board  # of another service: in the log, and no part of the board
    if event == "project:deleted":
        return None
    if entity == "project":
        board["project"] = data
    elif entity in ("member", "person"):
        apply_person(board, entity, happened, data)
    elif entity == "column":
        apply_column(board, happened, data)
    elif entity == "task":
        apply_task(board, happened, data)
        name_assignees(board, board["people"])
    else:
        apply_comment(board["commentCounts"], happened, data["taskId"])
    return board


def apply_person(board: Snapshot, entity: str, happened: str, data: dict[str, Any]) -> None:
    before = [*board["people"], *(member["user"] for member in board["members"])]
    if entity == "member":
        change(board["members"], happened, data)
        name_assignees(board, before)
    elif any(person["id"] == data["id"] for person in board["people"]):
        change(board["people"], happened, data)


def name_assignees(board: Snapshot, known: list[dict[str, Any]]) -> None:
    """`people` are those whom a task is assigned to, and who are no members any more."""
    assigned = {task["assignee"] for task in board["tasks"]}
    gone = assigned - {member["user"]["id"] for member in board["members"]}
    board["people"] = sorted((one for one in known if one["id"] in gone), key=lambda one: one["id"])


def change(rows: list[dict[str, Any]], happened: str, data: dict[str, Any]) -> None:
    """Add, replace or take out the row with the id of `data`."""
    place = next((index for index, row in enumerate(rows) if row["id"] == data["id"]), None)
    if happened in ("created", "added"):
        assert place is None, f"added twice: {data}"
        rows.append(data)
        return
    assert place is not None, f"not there: {data}"
    if happened in ("deleted", "removed"):
        del rows[place]
    else:
        rows[place] = data


def apply_column(board: Snapshot, happened: str, data: dict[str, Any]) -> None:
    moved_to, positions = data.pop("movedTo", None), data.pop("positions", {})
    if happened in ("updated", "moved"):  # a gateway of an earlier version may know less of a column
        data = next(column for column in board["columns"] if column["id"] == data["id"]) | data
    apply_placed(board["columns"], happened, data)
    for task in board["tasks"]:
        if task["id"] in positions:
            task["column"], task["position"] = moved_to, positions[task["id"]]
    assert all(task["column"] != data["id"] for task in board["tasks"]) or happened != "deleted"


def apply_task(board: Snapshot, happened: str, data: dict[str, Any]) -> None:
    if len(data.get("description", "")) > SHOWN_DESCRIPTION:
        data["description"] = data["description"][:SHOWN_DESCRIPTION]
        data["descriptionCut"] = True
    apply_placed(board["tasks"], happened, data)
    if happened == "deleted":
        board["commentCounts"].pop(data["id"], None)


def apply_placed(rows: list[dict[str, Any]], happened: str, data: dict[str, Any]) -> None:
    """A row with a position, whose arrival may have moved others."""
    respaced = data.pop("respaced", {})
    data.pop("from", None)
    data.pop("to", None)
    change(rows, happened, data)
    for row in rows:
        row["position"] = respaced.get(row["id"], row["position"])


def apply_comment(counts: dict[str, int], happened: str, task_id: str) -> None:
    step = {"created": 1, "updated": 0, "deleted": -1}[happened]
    counts[task_id] = counts.get(task_id, 0) + step
    if not counts[task_id]:
        del counts[task_id]


def in_board_order(board: Snapshot) -> Snapshot:
    place = {}
    board["columns"].sort(key=lambda column: (column["position"], column["id"]))
    for index, column in enumerate(board["columns"]):
        place[column["id"]] = index
    board["tasks"].sort(key=lambda task: (place[task["column"]], task["position"], task["id"]))
    return board
