"""The look at thousands of log-ins, again and again: cheap, and never behind the database."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import make_password

from realtime.log_ins import LogIns, auth_digests

User = get_user_model()
pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[str]:
    return [str(User.objects.create_user(f"person{number}", password="a").pk) for number in range(3)]


def test_it_tells_what_one_look_would_tell(people: list[str]) -> None:
    log_ins = LogIns()
    for _ in range(2):
        assert log_ins.digests([*people, "nobody", "0b9c1c1e-0000-4000-8000-000000000001"]) == auth_digests(
            people
        )


@pytest.mark.parametrize(
    "change",
    [{"password": make_password("b")}, {"log_ins_ended": 1}, {"is_active": False}],
    ids=["password", "ended", "disabled"],
)
def test_a_change_by_whatever_way_is_seen_at_the_next_look(
    people: list[str], change: dict[str, object]
) -> None:
    """By an UPDATE that no signal tells of."""
    log_ins = LogIns()
    before = log_ins.digests(people)
    User.objects.filter(pk=people[0]).update(**change)
    after = log_ins.digests(people)
    assert after.get(people[0]) != before[people[0]]
    assert after == auth_digests(people)
    assert {key: after[key] for key in people[1:]} == {key: before[key] for key in people[1:]}


def test_who_is_deleted_holds_no_more_and_a_row_put_back_does(people: list[str]) -> None:
    log_ins = LogIns()
    before = log_ins.digests(people)
    row = User.objects.get(pk=people[0])
    User.objects.filter(pk=row.pk).delete()
    assert people[0] not in log_ins.digests(people)
    row.save(force_insert=True)
    assert log_ins.digests(people) == before


def test_only_who_has_changed_is_hashed_again(people: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    log_ins = LogIns()
    log_ins.digests(people)
    hashed: list[str] = []
    real = User.get_session_auth_hash

    def noted(user: AbstractBaseUser) -> str:
        hashed.append(str(user.pk))
        return str(real(user))

    monkeypatch.setattr(User, "get_session_auth_hash", noted)
    User.objects.filter(pk=people[1]).update(first_name="New")
    log_ins.digests(people)
    assert hashed == [people[1]]
