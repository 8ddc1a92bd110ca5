-- What each owner may keep and keeps. The row is also the owner's lock: every
-- transaction that changes what an owner keeps takes it first, so that the
-- counters are exact however many uploads run at a time.
CREATE TABLE storage.quotas (
    owner_id       text        PRIMARY KEY CHECK (octet_length(owner_id) BETWEEN 1 AND 64),
    plan           text        NOT NULL DEFAULT 'free',
    -- Counts the changes of the plan at billing: an older message never wins.
    plan_version   bigint      NOT NULL DEFAULT 0,
    -- Null: billing has said nothing yet, the service's default holds.
    limit_bytes    bigint      CHECK (limit_bytes >= 0),
    used_bytes     bigint      NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    reserved_bytes bigint      NOT NULL DEFAULT 0 CHECK (reserved_bytes >= 0),
    files          bigint      NOT NULL DEFAULT 0 CHECK (files >= 0),
    reserved_files bigint      NOT NULL DEFAULT 0 CHECK (reserved_files >= 0),
    -- Set when the user was deleted: nothing may be added any more.
    closed_at      timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX quotas_closed ON storage.quotas (closed_at) WHERE closed_at IS NOT NULL;

-- The files that people see. Names are compared byte by byte.
CREATE TABLE storage.files (
    id           uuid        PRIMARY KEY,
    owner_id     text        NOT NULL CHECK (octet_length(owner_id) BETWEEN 1 AND 64),
    name         text        COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 255),
    size         bigint      NOT NULL CHECK (size >= 0),
    content_type text        NOT NULL,
    sha256       bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    -- Where the bytes are. A key is random, written once, and never part of a name.
    object_key   text        NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX files_owner_name ON storage.files (owner_id, name);
CREATE INDEX files_owner_created ON storage.files (owner_id, created_at DESC, id DESC);

-- Uploads under way: what they reserve and the object they write. The row goes
-- away in the transaction that makes the file visible, or with the sweeper when
-- its process no longer renews the lease.
CREATE TABLE storage.uploads (
    id             uuid        PRIMARY KEY,
    owner_id       text        NOT NULL CHECK (octet_length(owner_id) BETWEEN 1 AND 64),
    object_key     text        NOT NULL UNIQUE,
    reserved_bytes bigint      NOT NULL CHECK (reserved_bytes >= 0),
    reserved_files bigint      NOT NULL CHECK (reserved_files IN (0, 1)),
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX uploads_expires ON storage.uploads (expires_at);
CREATE INDEX uploads_owner ON storage.uploads (owner_id);
