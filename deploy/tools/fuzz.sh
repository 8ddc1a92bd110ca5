#!/usr/bin/env bash
# Runs every fuzzer of the workspace for the given time each: fuzz.sh 30s [name]
set -euo pipefail
cd "$(dirname "$0")/../.."
time=${1:?how long each fuzzer runs, for example 30s}
only=${2:-}
go list -f '{{.Dir}}' work | while read -r dir; do
  { grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null || true; } | awk '{print $2}' | sort -u | while read -r name; do
    [[ $name == *"$only"* ]] || continue
    echo "fuzz $name in ${dir#"$PWD"/} for $time"
    (cd "$dir" && go test -run='^$' -fuzz="^$name\$" -fuzztime="$time" . </dev/null)
  done
done
