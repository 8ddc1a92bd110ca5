#!/bin/sh
# Writes what the stack must keep secret, once, into the volume that the services mount read-only.
# A value that exists stays: deleting its file and starting again makes a new one.
set -eu
dir=${1:-/secrets}
umask 077
mkdir -p "$dir"

# random N: N characters of [A-Za-z0-9] from the system's generator.
random() { LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c "$1"; }
once() { [ -s "$dir/$1" ] || printf '%s' "$2" >"$dir/$1"; }

once auth_secrets "$(random 48)"
once service_tokens "$(random 48)"
once postgres_password "$(random 32)"
once s3_secret_key "$(random 40)"
once stripe_secret_key "sk_test_$(random 32)"
once stripe_webhook_secrets "whsec_$(random 32)"
for role in auth webhook storage; do
  once "${role}_password" "$(random 32)"
  once "${role}_migrate_password" "$(random 32)"
  once "${role}_url" "postgres://codex_${role}:$(cat "$dir/${role}_password")@postgres:5432/codex?sslmode=disable"
  once "${role}_migrate_url" "postgres://codex_${role}_migrate:$(cat "$dir/${role}_migrate_password")@postgres:5432/codex?sslmode=disable"
done
cat >"$dir/s3.json" <<JSON
{"identities":[{"name":"codex","credentials":[{"accessKey":"codex","secretKey":"$(cat "$dir/s3_secret_key")"}],"actions":["Admin","Read","Write","List","Tagging"]}]}
JSON

# The services run as user 65532.
chown -R 65532:65532 "$dir" 2>/dev/null || true
chmod 0755 "$dir"
chmod 0444 "$dir"/*
