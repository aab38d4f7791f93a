"""Loud readers of the environment.

Each reader takes a variable's name and its default and returns a value of one type. A value that
does not parse stops the start with one line that names the variable, the value and what is allowed:
a typing error in a switch must never pass for "off".
"""

from devmentor.env.addresses import hosts, networks, origins, url
from devmentor.env.errors import BadSetting
from devmentor.env.files import load_files
from devmentor.env.stores import database, redis_host, redis_urls
from devmentor.env.values import (
    boolean,
    choice,
    ignored,
    log_file,
    require_folder,
    secret,
    text,
    whole,
    words,
)

__all__ = [
    "BadSetting",
    "boolean",
    "choice",
    "database",
    "hosts",
    "ignored",
    "load_files",
    "log_file",
    "networks",
    "origins",
    "redis_host",
    "redis_urls",
    "require_folder",
    "secret",
    "text",
    "url",
    "whole",
    "words",
]
