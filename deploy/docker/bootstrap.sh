#!/bin/sh
# Makes the schemas and roles and gives each role its generated password.
set -eu
export PGPASSWORD; PGPASSWORD=$(cat /secrets/postgres_password)
psql -v ON_ERROR_STOP=1 -q -h postgres -U postgres -d codex -f /bootstrap.sql
for role in auth webhook storage; do
  psql -v ON_ERROR_STOP=1 -q -h postgres -U postgres -d codex \
    -v role="codex_${role}" -v password="$(cat "/secrets/${role}_password")" \
    -v migrate="codex_${role}_migrate" -v migrate_password="$(cat "/secrets/${role}_migrate_password")" <<'SQL'
ALTER ROLE :"role" LOGIN PASSWORD :'password';
ALTER ROLE :"migrate" LOGIN PASSWORD :'migrate_password';
SQL
done
echo "schemas and roles are ready"
