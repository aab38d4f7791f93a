#!/usr/bin/env bash
# What the tests start for real must be on the machine: Redis, PostgreSQL, Chromium and Firefox with a font, Node with npm,
# and what stands in front of such services: nginx, HAProxy, PgBouncer.
# Missing ones are installed as root with apt-get (Debian, Ubuntu); anyone else is told what to install.
# With `bench`, the benchmarks' needs, too; what they compare with is left out where it is not to be had.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

have_redis() { have redis-server; }
have_postgresql() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
have_node() { have node && have npm; }
have_compiler() { have cc; }
have_wrk() { have wrk; }
have_nginx() { have nginx; }
have_haproxy() { have haproxy; }
have_pgbouncer() { have pgbouncer; }
have_nchan() { have nginx && [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ]; }
have_font() { have fc-list && [ -n "$(fc-list)" ]; }
# Ubuntu's chromium packages are doors to a snap, which containers do not have: only one that answers counts.
have_chromium() {
  local name
  for name in ${CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable}; do
    if have "$name" && "$name" --version >/dev/null 2>&1; then
      return 0
    fi
  done
  return 1
}

have_firefox() { have "${FIREFOX:-firefox-esr}" || have firefox; }

# One line per need: the check, the packages, what it is called.
needs='have_redis|redis-server|Redis
have_postgresql|postgresql|PostgreSQL
have_chromium|chromium|Chromium
have_firefox|firefox-esr|Firefox
have_font|fontconfig fonts-dejavu-core|a font for Chromium
have_node|nodejs npm|Node with npm
have_nginx|nginx-light|nginx
have_haproxy|haproxy|HAProxy
have_pgbouncer|pgbouncer|PgBouncer'

if [ "${1:-}" = bench ]; then
  needs+='
have_compiler|gcc libc6-dev|a C compiler
have_wrk|wrk|wrk
have_nchan|nginx-light libnginx-mod-nchan|nginx with Nchan'
fi

missing() {
  local check packages name
  while IFS='|' read -r check packages name; do
    "$check" || printf '%s|%s\n' "$packages" "$name"
  done <<<"$needs"
}

# An address list that is out of date names packages that are gone, so it is refreshed first.
install() {
  local packages
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  for packages in "$@"; do
    say "Installing $packages ..."
    # shellcheck disable=SC2086 # a word per package
    apt-get install -y -qq --no-install-recommends $packages >/dev/null \
      || { [ "$packages" = chromium ] && apt-get install -y -qq --no-install-recommends chromium-browser >/dev/null; } \
      || say "apt-get could not install $packages."
  done
}

wanted="$(missing)"
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" = 0 ] && have apt-get; then
  mapfile -t packages < <(cut -d'|' -f1 <<<"$wanted")
  install "${packages[@]}" || say "apt-get failed."
  wanted="$(missing)"
  [ -n "$wanted" ] || exit 0
fi

say "Needed and not on this machine: $(cut -d'|' -f2 <<<"$wanted" | paste -sd, | sed 's/,/, /g')."
say "On Debian or Ubuntu: sudo apt-get install $(cut -d'|' -f1 <<<"$wanted" | paste -sd' ')"
case "$wanted" in
  *Chromium*) say "Where Chromium is elsewhere (Ubuntu's own is a snap), name a Chrome or Chromium: CHROMIUM=/path/to/chrome make test" ;;
esac
exit 1
