-- Accounts, sessions and what proves an address. The schema itself and the
-- roles come from bootstrap.sql; every name is qualified, there is no search_path.

CREATE TABLE better_auth.users (
    id              text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    name            text        NOT NULL,
    -- One mailbox, one account. Go makes the text lower case before it gets here;
    -- the check keeps any other writer honest and, under the C collation, means
    -- the same on every server.
    email           text        NOT NULL CHECK (email = lower(email COLLATE "C")),
    email_verified  boolean     NOT NULL DEFAULT false,
    image           text,
    role            text        NOT NULL DEFAULT 'user',
    banned          boolean     NOT NULL DEFAULT false,
    ban_reason      text,
    ban_expires_at  timestamptz,
    -- Grows with every change: a cached copy with a smaller number never
    -- replaces a newer one.
    version         bigint      NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE better_auth.sessions (
    id          text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    user_id     text        NOT NULL REFERENCES better_auth.users (id) ON DELETE CASCADE,
    -- SHA-256 of the token: reading this table does not sign anybody in.
    token_hash  bytea       NOT NULL CHECK (length(token_hash) = 32),
    -- What listings show instead of the token; it can end the session, not use it.
    handle      text        NOT NULL,
    -- false: a browser session, which is short and never extended.
    remember    boolean     NOT NULL DEFAULT true,
    ip_address  text        NOT NULL DEFAULT '',
    user_agent  text        NOT NULL DEFAULT '',
    version     bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    CONSTRAINT sessions_token_hash_key UNIQUE (token_hash),
    CONSTRAINT sessions_handle_key UNIQUE (handle)
);
CREATE INDEX sessions_user_id_idx ON better_auth.sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON better_auth.sessions (expires_at);

-- A way to sign in: a password ("credential") or a provider's account.
CREATE TABLE better_auth.accounts (
    id           text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    user_id      text        NOT NULL REFERENCES better_auth.users (id) ON DELETE CASCADE,
    provider_id  text        NOT NULL,
    account_id   text        NOT NULL,
    password     text,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    CONSTRAINT accounts_provider_account_key UNIQUE (provider_id, account_id)
);
CREATE INDEX accounts_user_id_idx ON better_auth.accounts (user_id);

-- Secrets that are mailed out and work once. A row is deleted by its use.
CREATE TABLE better_auth.verification_tokens (
    token_hash  bytea       PRIMARY KEY CHECK (length(token_hash) = 32),
    purpose     text        NOT NULL,
    user_id     text        REFERENCES better_auth.users (id) ON DELETE CASCADE,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    -- A newer token of the same purpose takes the older one's place.
    CONSTRAINT verification_tokens_purpose_user_key UNIQUE (purpose, user_id)
);
CREATE INDEX verification_tokens_expires_at_idx ON better_auth.verification_tokens (expires_at);

-- Keys that sign access tokens. The private half is sealed with a secret that
-- is not in the database.
CREATE TABLE better_auth.jwks (
    id            text        PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
    alg           text        NOT NULL,
    crv           text,
    public_key    text        NOT NULL,
    private_key   text        NOT NULL,
    -- next: published, does not sign yet; active: signs; retired: still verifies.
    status        text        NOT NULL CHECK (status IN ('next', 'active', 'retired')),
    created_at    timestamptz NOT NULL,
    activated_at  timestamptz,
    retired_at    timestamptz
);
-- Two replicas that both find no key make one of them: the second insert loses.
CREATE UNIQUE INDEX jwks_one_active ON better_auth.jwks ((true)) WHERE status = 'active';
CREATE UNIQUE INDEX jwks_one_next ON better_auth.jwks ((true)) WHERE status = 'next';

-- Which mails were decided on. One cause never makes two mails of a kind to one object.
CREATE TABLE better_auth.mail_ledger (
    kind        text        NOT NULL,
    object_id   text        NOT NULL,
    cause       text        NOT NULL,
    created_at  timestamptz NOT NULL,
    sent_at     timestamptz,
    PRIMARY KEY (kind, object_id, cause)
);
CREATE INDEX mail_ledger_created_at_idx ON better_auth.mail_ledger (created_at);
