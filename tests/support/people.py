"""Who acts in the tests, named by what they are to the board that the tests are given."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    name: str
    is_superuser: bool = False
    password: str = "a long enough pass phrase"

    @property
    def credentials(self) -> dict[str, str]:
        return {"username": self.username, "password": self.password}


OWNER = Person("olive", "Olive Owner")
EDITOR = Person("edgar", "Edgar Editor")
VIEWER = Person("vera", "Vera Viewer")
OUTSIDER = Person("otto", "Otto Outsider")
OPERATOR = Person("oprah", "Oprah Operator", is_superuser=True)
PEOPLE = (OWNER, EDITOR, VIEWER, OUTSIDER, OPERATOR)
