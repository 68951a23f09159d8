-- What happened. seq grows in the order in which events become visible: whoever stores one holds a lock until the end of the transaction.
CREATE TABLE events (
    id         text PRIMARY KEY,
    seq        bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    user_id    text NOT NULL, -- '': the operator's
    type       text NOT NULL,
    subject    text NOT NULL,
    data       jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_user ON events (user_id, id DESC);
CREATE INDEX events_age ON events (created_at);

-- Who wants to be told; sealed holds the secrets that sign.
CREATE TABLE webhooks (
    id              text PRIMARY KEY,
    user_id         text NOT NULL REFERENCES users,
    url             text NOT NULL,
    types           text[] NOT NULL,
    description     text NOT NULL,
    enabled         boolean NOT NULL,
    all_users       boolean NOT NULL,
    disabled_reason text NOT NULL DEFAULT '',
    failing_since   timestamptz,
    sealed          bytea NOT NULL,
    key_id          text NOT NULL REFERENCES keys,
    created_at      timestamptz NOT NULL
);
CREATE INDEX webhooks_user ON webhooks (user_id, id DESC);
CREATE INDEX webhooks_all ON webhooks (id) WHERE all_users;
CREATE INDEX webhooks_key ON webhooks (key_id, id);
CREATE TRIGGER webhooks_retired BEFORE INSERT OR UPDATE OF key_id ON webhooks FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

-- Events on their way. All times are the database's. fence changes whenever a host takes a delivery and whenever it is replayed.
CREATE TABLE deliveries (
    webhook_id       text NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event_id         text NOT NULL REFERENCES events ON DELETE CASCADE,
    state            text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts         integer NOT NULL DEFAULT 0,
    fence            bigint NOT NULL DEFAULT 0,
    due_at           timestamptz NOT NULL DEFAULT now(),
    lease_until      timestamptz,
    first_attempt_at timestamptz,
    last_attempt_at  timestamptz,
    delivered_at     timestamptz,
    last_status      integer NOT NULL DEFAULT 0,
    last_error       text NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (webhook_id, event_id)
);
CREATE INDEX deliveries_due ON deliveries (webhook_id, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX deliveries_event ON deliveries (event_id);

---- create above / drop below ----

DROP TABLE deliveries, webhooks, events;
