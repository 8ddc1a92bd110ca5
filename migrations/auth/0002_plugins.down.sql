DROP TABLE better_auth.audit_events;
DROP TABLE better_auth.devices;
DROP TABLE better_auth.api_keys;
DROP TABLE better_auth.passkeys;
DROP TABLE better_auth.two_factors;
DROP TABLE better_auth.one_time;
DROP TABLE better_auth.takeovers;
DROP TABLE better_auth.guesses;
ALTER TABLE better_auth.accounts
    DROP COLUMN access_token, DROP COLUMN refresh_token, DROP COLUMN id_token,
    DROP COLUMN access_token_expires_at, DROP COLUMN refresh_token_expires_at,
    DROP COLUMN scope, DROP COLUMN doubted;
DROP INDEX better_auth.sessions_impersonated_by_idx;
ALTER TABLE better_auth.sessions DROP COLUMN impersonated_by, DROP COLUMN impersonation_reason, DROP COLUMN extra;
DROP INDEX better_auth.users_anonymous_idx;
DROP INDEX better_auth.users_username_key;
ALTER TABLE better_auth.users
    DROP CONSTRAINT users_username_check,
    DROP COLUMN two_factor_enabled, DROP COLUMN username, DROP COLUMN display_username,
    DROP COLUMN is_anonymous, DROP COLUMN extra;
