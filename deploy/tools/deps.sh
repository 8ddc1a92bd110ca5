#!/usr/bin/env bash
# Installs the programs that the tests, the browser journey and the benchmarks start.
# As root on Debian or Ubuntu it installs what is missing; elsewhere it says what to install.
set -euo pipefail

declare -A package=(
  [redis-server]=redis-server
  [chromium]=chromium
  [haproxy]=haproxy
  [wrk]=wrk
)
PATH="$PATH:/usr/sbin"

missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  missing+=(postgresql)
fi

if [ ${#missing[@]} -eq 0 ]; then
  echo "deps: every program is here"
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "deps: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # No daemon is started by the packages: tests start their own.
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "deps: please install: ${missing[*]} (as root on Debian this command does it)" >&2
  exit 1
fi

for program in go node npm git make; do
  command -v "$program" >/dev/null || { echo "deps: $program is missing; Go 1.26 and Node 20.19 or newer are needed" >&2; exit 1; }
done
