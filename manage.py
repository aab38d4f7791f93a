#!/usr/bin/env python3
"""DevMentor's command line: `python manage.py help` lists what it can do."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devmentor.settings")
    from django.core.management import execute_from_command_line

    from devmentor.streams import prepare_standard_streams

    prepare_standard_streams()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
