#!/usr/bin/env bash
# Installs programs that the repository starts but does not bring. As root on Debian or Ubuntu it
# installs what is missing; elsewhere it says what to install.
#   deps.sh          what the tests and the browser journey start
#   deps.sh bench    what `make bench` starts beside that: the load and the peers
set -euo pipefail
PATH="$PATH:/usr/sbin"

missing=()
# need PACKAGE PATH...: the package is missing when none of the paths (patterns) is there.
need() {
  local package=$1 path
  shift
  for path in "$@"; do
    if compgen -G "$path" >/dev/null; then return; fi
  done
  missing+=("$package")
}
program() { command -v "$1" || echo "/none/$1"; }

need redis-server "$(program redis-server)"
if [ "${1:-}" = bench ]; then
  need wrk "$(program wrk)"
  need haproxy "$(program haproxy)"
  need nginx "$(program nginx)"
  need libnginx-mod-http-lua '/usr/lib/nginx/modules/ngx_http_lua_module.so'
  need lua-cjson '/usr/lib/*/lua/5.1/cjson.so'
  need util-linux "$(program taskset)"
else
  need chromium "$(program chromium)"
fi
need postgresql "$(program initdb)" '/usr/lib/postgresql/*/bin/initdb'

# Tests and benchmarks start their own servers; those of the packages stay off.
no_daemons() {
  local policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] && return
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

if [ ${#missing[@]} -eq 0 ]; then
  echo "deps: every program is here"
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "deps: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  no_daemons
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "deps: please install: ${missing[*]} (as root on Debian this command does it)" >&2
  exit 1
fi

for program in go node npm git make; do
  command -v "$program" >/dev/null || { echo "deps: $program is missing; Go 1.26 and Node 20.19 or newer are needed" >&2; exit 1; }
done
