"""Fill an empty database with the tables and the people of the tests: `python -m tests.support.seed`."""

import django
from django.core.management import call_command

from tests.support.people import PEOPLE


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model

    call_command("migrate", verbosity=0)
    users = get_user_model().objects
    for person in PEOPLE:
        first_name, last_name = person.name.split()
        create = users.create_superuser if person.is_superuser else users.create_user
        create(person.username, password=person.password, first_name=first_name, last_name=last_name)


if __name__ == "__main__":
    main()
