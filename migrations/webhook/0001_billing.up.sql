-- What Stripe tells, and the billing state that follows from it. The schema
-- itself and the roles come from bootstrap.sql; every name is qualified, there
-- is no search_path. Projections have no foreign keys between them: events come
-- in any order, a subscription may be known before its customer.

-- The inbox: an event is acknowledged to Stripe once it is a row here.
CREATE TABLE billing.stripe_events (
    seq           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The connected account; empty for our own.
    account       text        NOT NULL DEFAULT '',
    livemode      boolean     NOT NULL,
    event_id      text        NOT NULL,
    type          text        NOT NULL,
    api_version   text        NOT NULL DEFAULT '',
    -- Stripe's clock, in seconds.
    created       bigint      NOT NULL,
    object_kind   text        NOT NULL DEFAULT '',
    object_id     text        NOT NULL DEFAULT '',
    -- 0: sent by Stripe; 1: found by reconciliation.
    source        smallint    NOT NULL DEFAULT 0,
    -- 0 received, 1 done, 2 to be tried again at next_at, 3 dead, 4 ignored (another mode, or nothing we keep).
    status        smallint    NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 4),
    attempts      smallint    NOT NULL DEFAULT 0,
    next_at       timestamptz,
    last_error    text,
    -- What came of it: applied, stale, same, unclear, ...; for operators.
    result        text,
    received_at   timestamptz NOT NULL DEFAULT now(),
    processed_at  timestamptz,
    -- The raw bytes as signed: bytea, because hostile JSON is no valid jsonb.
    payload       bytea,
    -- One event takes effect once, however often and wherever it arrives.
    CONSTRAINT stripe_events_event_key UNIQUE (event_id, account, livemode)
);
CREATE INDEX stripe_events_received_idx ON billing.stripe_events (seq) WHERE status = 0;
CREATE INDEX stripe_events_retry_idx ON billing.stripe_events (next_at) WHERE status = 2;
CREATE INDEX stripe_events_dead_idx ON billing.stripe_events (seq) WHERE status = 3;
CREATE INDEX stripe_events_object_idx ON billing.stripe_events (object_id, created);

-- For every object: which of its states is the newest that we have seen.
CREATE TABLE billing.stripe_objects (
    object_id      text        PRIMARY KEY,
    kind           text        NOT NULL,
    -- The state was true at some moment of these seconds of Stripe's clock: one
    -- second for an event, the length of the question for one that we asked for.
    seen_from      bigint      NOT NULL DEFAULT 0,
    seen_until     bigint      NOT NULL DEFAULT 0,
    -- Of the event that gave the state: created < updated < others < deleted.
    rank           smallint    NOT NULL DEFAULT 0,
    terminal       boolean     NOT NULL DEFAULT false,
    -- What only grows over the object's life, such as the amount given back.
    progress       bigint      NOT NULL DEFAULT 0,
    last_event_id  text        NOT NULL DEFAULT '',
    -- SHA-256 of the facts that we keep: tells whether two states are one.
    digest         bytea,
    -- Grows when the state is in doubt; Stripe is asked until synced has caught up.
    dirty_seq      bigint      NOT NULL DEFAULT 0,
    synced_seq     bigint      NOT NULL DEFAULT 0,
    dirty_at       timestamptz
);
CREATE INDEX stripe_objects_dirty_idx ON billing.stripe_objects (dirty_at) WHERE dirty_seq > synced_seq;

-- Stripe's customers. user_id is written by our checkout only, never taken
-- from what an event claims.
CREATE TABLE billing.customers (
    id          text        PRIMARY KEY,
    user_id     text        CHECK (length(user_id) BETWEEN 1 AND 64),
    currency    text        NOT NULL DEFAULT '',
    delinquent  boolean     NOT NULL DEFAULT false,
    deleted     boolean     NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
-- Two checkouts at once make one customer of a person: the second insert loses.
CREATE UNIQUE INDEX customers_user_id_key ON billing.customers (user_id) WHERE NOT deleted;
CREATE INDEX customers_user_id_idx ON billing.customers (user_id);

CREATE TABLE billing.prices (
    id              text    PRIMARY KEY,
    product_id      text    NOT NULL DEFAULT '',
    lookup_key      text    NOT NULL DEFAULT '',
    -- The plan that this price was sold as; stays when the lookup key moves on to a newer price.
    plan_key        text    NOT NULL DEFAULT '',
    currency        text    NOT NULL DEFAULT '',
    -- In the smallest unit of the currency.
    unit_amount     bigint  NOT NULL DEFAULT 0,
    -- day, week, month or year; empty for what is paid once.
    recurring       text    NOT NULL DEFAULT '',
    recurring_count integer NOT NULL DEFAULT 1,
    active          boolean NOT NULL DEFAULT true
);

CREATE TABLE billing.subscriptions (
    id                    text        PRIMARY KEY,
    customer_id           text        NOT NULL,
    status                text        NOT NULL,
    current_period_start  timestamptz,
    current_period_end    timestamptz,
    cancel_at             timestamptz,
    cancel_at_period_end  boolean     NOT NULL DEFAULT false,
    canceled_at           timestamptz,
    ended_at              timestamptz,
    trial_end             timestamptz,
    latest_invoice_id     text        NOT NULL DEFAULT '',
    currency              text        NOT NULL DEFAULT '',
    created_at            timestamptz NOT NULL
);
CREATE INDEX subscriptions_customer_idx ON billing.subscriptions (customer_id, created_at DESC, id DESC);

CREATE TABLE billing.subscription_items (
    id               text    PRIMARY KEY,
    subscription_id  text    NOT NULL,
    price_id         text    NOT NULL DEFAULT '',
    quantity         bigint  NOT NULL DEFAULT 1,
    position         integer NOT NULL DEFAULT 0
);
CREATE INDEX subscription_items_subscription_idx ON billing.subscription_items (subscription_id, position);

CREATE TABLE billing.invoices (
    id                    text        PRIMARY KEY,
    customer_id           text        NOT NULL DEFAULT '',
    subscription_id       text        NOT NULL DEFAULT '',
    payment_id            text        NOT NULL DEFAULT '',
    number                text        NOT NULL DEFAULT '',
    status                text        NOT NULL,
    currency              text        NOT NULL,
    amount_due            bigint      NOT NULL,
    amount_paid           bigint      NOT NULL,
    amount_remaining      bigint      NOT NULL,
    attempt_count         integer     NOT NULL DEFAULT 0,
    next_payment_attempt  timestamptz,
    hosted_url            text        NOT NULL DEFAULT '',
    pdf_url               text        NOT NULL DEFAULT '',
    created_at            timestamptz NOT NULL
);
CREATE INDEX invoices_customer_idx ON billing.invoices (customer_id, created_at DESC);
CREATE INDEX invoices_payment_idx ON billing.invoices (payment_id) WHERE payment_id <> '';

-- Which payment paid which invoice, where neither of the two says it itself.
CREATE TABLE billing.invoice_payments (
    id          text PRIMARY KEY,
    invoice_id  text NOT NULL,
    payment_id  text NOT NULL,
    status      text NOT NULL DEFAULT ''
);
CREATE INDEX invoice_payments_payment_idx ON billing.invoice_payments (payment_id);

-- Payment intents.
CREATE TABLE billing.payments (
    id               text        PRIMARY KEY,
    customer_id      text        NOT NULL DEFAULT '',
    invoice_id       text        NOT NULL DEFAULT '',
    status           text        NOT NULL,
    amount           bigint      NOT NULL,
    amount_received  bigint      NOT NULL DEFAULT 0,
    currency         text        NOT NULL,
    description      text        NOT NULL DEFAULT '',
    failure_code     text        NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL
);
CREATE INDEX payments_customer_idx ON billing.payments (customer_id, created_at DESC, id DESC);

CREATE TABLE billing.charges (
    id               text        PRIMARY KEY,
    payment_id       text        NOT NULL DEFAULT '',
    customer_id      text        NOT NULL DEFAULT '',
    status           text        NOT NULL,
    amount           bigint      NOT NULL,
    amount_refunded  bigint      NOT NULL DEFAULT 0,
    disputed         boolean     NOT NULL DEFAULT false,
    currency         text        NOT NULL,
    receipt_url      text        NOT NULL DEFAULT '',
    failure_code     text        NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL
);
CREATE INDEX charges_payment_idx ON billing.charges (payment_id);

CREATE TABLE billing.disputes (
    id           text        PRIMARY KEY,
    charge_id    text        NOT NULL DEFAULT '',
    payment_id   text        NOT NULL DEFAULT '',
    status       text        NOT NULL,
    reason       text        NOT NULL DEFAULT '',
    amount       bigint      NOT NULL,
    currency     text        NOT NULL,
    due_by       timestamptz,
    created_at   timestamptz NOT NULL
);
CREATE INDEX disputes_charge_idx ON billing.disputes (charge_id);

-- The checkouts that we began; Stripe's pages for them belong to these people.
CREATE TABLE billing.checkouts (
    id              text        PRIMARY KEY,
    user_id         text        NOT NULL CHECK (length(user_id) BETWEEN 1 AND 64),
    customer_id     text        NOT NULL,
    plan_key        text        NOT NULL,
    url             text        NOT NULL,
    status          text        NOT NULL CHECK (status IN ('open', 'complete', 'expired')),
    payment_status  text        NOT NULL DEFAULT 'unpaid',
    -- When Stripe was last asked for it: a page that polls must not become a flood.
    asked_at        timestamptz,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX checkouts_user_idx ON billing.checkouts (user_id, created_at DESC);

-- What each person may use. The version grows with every change, so that a late
-- message never replaces a newer one.
CREATE TABLE billing.plan_state (
    user_id               text        PRIMARY KEY CHECK (length(user_id) BETWEEN 1 AND 64),
    plan_key              text        NOT NULL,
    status                text        NOT NULL,
    quota_bytes           bigint      NOT NULL,
    current_period_end    timestamptz,
    cancel_at_period_end  boolean     NOT NULL DEFAULT false,
    subscription_id       text        NOT NULL DEFAULT '',
    version               bigint      NOT NULL,
    updated_at            timestamptz NOT NULL
);
