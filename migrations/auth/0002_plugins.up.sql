-- What the plugins of the contract keep. Everything here is added: programs of
-- the release before go on running.

ALTER TABLE better_auth.users
    ADD COLUMN two_factor_enabled boolean NOT NULL DEFAULT false,
    ADD COLUMN username           text,
    ADD COLUMN display_username   text,
    ADD COLUMN is_anonymous       boolean NOT NULL DEFAULT false,
    -- The members that USER_FIELDS adds to a person, by name.
    ADD COLUMN extra              jsonb   NOT NULL DEFAULT '{}',
    ADD CONSTRAINT users_username_check CHECK (username = lower(username COLLATE "C"));
-- Partial, so that adding it locks nothing for long: nobody has a name yet.
CREATE UNIQUE INDEX users_username_key ON better_auth.users (username) WHERE username IS NOT NULL;
-- Those whose session is over are looked for.
CREATE INDEX users_anonymous_idx ON better_auth.users (created_at) WHERE is_anonymous;

ALTER TABLE better_auth.sessions
    ADD COLUMN impersonated_by      text,
    ADD COLUMN impersonation_reason text,
    -- The members that SESSION_FIELDS adds, by name.
    ADD COLUMN extra                jsonb NOT NULL DEFAULT '{}';
CREATE INDEX sessions_impersonated_by_idx ON better_auth.sessions (impersonated_by) WHERE impersonated_by IS NOT NULL;

ALTER TABLE better_auth.accounts
    -- A provider's tokens, sealed with AUTH_SECRETS.
    ADD COLUMN access_token             text,
    ADD COLUMN refresh_token            text,
    ADD COLUMN id_token                 text,
    ADD COLUMN access_token_expires_at  timestamptz,
    ADD COLUMN refresh_token_expires_at timestamptz,
    ADD COLUMN scope                    text,
    -- A password that somebody else may have chosen, until its owner confirmed it.
    ADD COLUMN doubted                  boolean NOT NULL DEFAULT false;

-- Wrong passwords in a row for one account, be there one or not, and until when
-- the next try has to wait. The key is an HMAC: the table names nobody.
CREATE TABLE better_auth.guesses (
    account_hash bytea       PRIMARY KEY CHECK (length(account_hash) = 32),
    user_id      text        REFERENCES better_auth.users (id) ON DELETE CASCADE,
    failures     integer     NOT NULL,
    retry_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL
);
CREATE INDEX guesses_user_id_idx ON better_auth.guesses (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX guesses_last_at_idx ON better_auth.guesses (last_at) WHERE user_id IS NULL;

-- How far the take-over of another database has come, a row for each of its tables.
CREATE TABLE better_auth.takeovers (
    source      text        NOT NULL,
    relation    text        NOT NULL,
    -- The last row that was taken; '' after the whole table.
    last_id     text        NOT NULL DEFAULT '',
    taken       bigint      NOT NULL DEFAULT 0,
    left_out    bigint      NOT NULL DEFAULT 0,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (source, relation)
);

-- Secrets that work once, of every other kind: codes, challenges, states, links.
CREATE TABLE better_auth.one_time (
    purpose     text        NOT NULL,
    -- SHA-256 of the secret, or of what a short code belongs to.
    key_hash    bytea       NOT NULL CHECK (length(key_hash) = 32),
    user_id     text        REFERENCES better_auth.users (id) ON DELETE CASCADE,
    -- What belongs to it, sealed with AUTH_SECRETS.
    value       text        NOT NULL DEFAULT '',
    tries       integer     NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (purpose, key_hash)
);
CREATE INDEX one_time_expires_at_idx ON better_auth.one_time (expires_at);
CREATE INDEX one_time_user_id_idx ON better_auth.one_time (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE better_auth.two_factors (
    id            text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    user_id       text        NOT NULL REFERENCES better_auth.users (id) ON DELETE CASCADE,
    secret        text        NOT NULL, -- sealed; '' for none: codes are mailed
    backup_codes  text        NOT NULL, -- sealed: a JSON array of the codes that are left; '' for none
    verified      boolean     NOT NULL DEFAULT false,
    -- The time step of the last code that was taken: none works twice.
    last_step     bigint      NOT NULL DEFAULT 0,
    failures      integer     NOT NULL DEFAULT 0,
    wrong_at      timestamptz[] NOT NULL DEFAULT '{}', -- of the latest wrong codes
    locked_until  timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT two_factors_user_id_key UNIQUE (user_id)
);

CREATE TABLE better_auth.passkeys (
    id             text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    user_id        text        NOT NULL REFERENCES better_auth.users (id) ON DELETE CASCADE,
    name           text,
    credential_id  bytea       NOT NULL,
    public_key     bytea       NOT NULL,
    counter        bigint      NOT NULL DEFAULT 0,
    device_type    text        NOT NULL,
    backed_up      boolean     NOT NULL DEFAULT false,
    transports     text        NOT NULL DEFAULT '',
    aaguid         text,
    user_handle    bytea,
    created_at     timestamptz NOT NULL,
    last_used_at   timestamptz,
    CONSTRAINT passkeys_credential_id_key UNIQUE (credential_id)
);
CREATE INDEX passkeys_user_id_idx ON better_auth.passkeys (user_id);

CREATE TABLE better_auth.api_keys (
    id                     text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    user_id                text        NOT NULL REFERENCES better_auth.users (id) ON DELETE CASCADE,
    config_id              text        NOT NULL DEFAULT 'default',
    name                   text,
    start                  text,
    prefix                 text,
    key_hash               bytea       NOT NULL CHECK (length(key_hash) = 32),
    enabled                boolean     NOT NULL DEFAULT true,
    rate_limit_enabled     boolean     NOT NULL DEFAULT true,
    rate_limit_window_ms   bigint      NOT NULL,
    rate_limit_max         bigint      NOT NULL,
    -- Uses since the window began.
    request_count          bigint      NOT NULL DEFAULT 0,
    window_from            timestamptz,
    remaining              bigint,
    refill_interval_ms     bigint,
    refill_amount          bigint,
    last_refill_at         timestamptz,
    last_request_at        timestamptz,
    expires_at             timestamptz,
    permissions            jsonb,
    metadata               jsonb,
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL,
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash)
);
CREATE INDEX api_keys_user_id_idx ON better_auth.api_keys (user_id);

-- From where a person signed in before; a new one is told by mail.
CREATE TABLE better_auth.devices (
    user_id       text        NOT NULL REFERENCES better_auth.users (id) ON DELETE CASCADE,
    fingerprint   bytea       NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, fingerprint)
);

-- What happened to accounts. Rows outlive the person they are about.
CREATE TABLE better_auth.audit_events (
    id          text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    at          timestamptz NOT NULL,
    kind        text        NOT NULL,
    outcome     text        NOT NULL CHECK (outcome IN ('success', 'failure')),
    actor_id    text,
    user_id     text,
    session_id  text,
    ip_address  text        NOT NULL DEFAULT '',
    user_agent  text        NOT NULL DEFAULT '',
    request_id  text        NOT NULL DEFAULT '',
    details     jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_events_user_id_at_idx ON better_auth.audit_events (user_id, at DESC);
CREATE INDEX audit_events_actor_id_at_idx ON better_auth.audit_events (actor_id, at DESC);
CREATE INDEX audit_events_at_idx ON better_auth.audit_events (at);
CREATE INDEX audit_events_request_id_idx ON better_auth.audit_events (request_id) WHERE request_id <> '';
