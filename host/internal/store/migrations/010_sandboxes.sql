-- Which host process serves the sandboxes of a machine's data folder now. A home outlives the process.
CREATE TABLE sandbox_homes (
    home       text PRIMARY KEY,
    host_id    text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Sandboxes. pending is the journal: what was begun with one and is not booked as done. version guards against lost updates.
-- record holds what nothing is looked up by. Everything up to the mark is metered.
CREATE TABLE sandboxes (
    id         text PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users,
    home       text NOT NULL,
    state      text NOT NULL CHECK (state IN ('new', 'running', 'paused', 'destroyed', 'lost')),
    pending    text NOT NULL DEFAULT '' CHECK (pending IN ('', 'creating', 'pausing', 'parking', 'waking', 'destroying')),
    version    bigint NOT NULL DEFAULT 1,
    memory_mb  bigint NOT NULL,
    disk_mb    bigint NOT NULL,
    record     jsonb NOT NULL,
    mark       jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX sandboxes_user ON sandboxes (user_id, id DESC);
CREATE INDEX sandboxes_home ON sandboxes (home) WHERE state <> 'destroyed';

-- What was metered, by day, with the cost at the prices of then.
CREATE TABLE sandbox_usage (
    sandbox_id     text NOT NULL REFERENCES sandboxes,
    user_id        text NOT NULL,
    day            date NOT NULL,
    vcpu_seconds   double precision NOT NULL,
    gib_seconds    double precision NOT NULL,
    disk_gib_hours double precision NOT NULL,
    cost           double precision NOT NULL,
    PRIMARY KEY (sandbox_id, day)
);
CREATE INDEX sandbox_usage_user ON sandbox_usage (user_id, day);

-- The operator's settings; one row at most.
CREATE TABLE sandbox_settings (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    value    jsonb NOT NULL
);

---- create above / drop below ----

DROP TABLE sandbox_settings, sandbox_usage, sandboxes, sandbox_homes;
