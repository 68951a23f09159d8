-- Several integrations of one platform that are used in turn. members are ids of integrations, in order.
CREATE TABLE pools (
    id         text PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users,
    name       text NOT NULL,
    platform   text NOT NULL,
    strategy   text NOT NULL CHECK (strategy IN ('round_robin', 'failover')),
    members    text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, name)
);

-- Where a call came from.
ALTER TABLE calls ADD COLUMN pool_id text, ADD COLUMN run_id text;
CREATE INDEX calls_pool ON calls (pool_id, integration_id) WHERE pool_id IS NOT NULL;

-- sealed holds the secret of the inbound webhook, where there is one.
CREATE TABLE workflows (
    id         text PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users,
    name       text NOT NULL,
    enabled    boolean NOT NULL DEFAULT false,
    version    integer NOT NULL,
    hook_id    text UNIQUE,
    sealed     bytea,
    key_id     text REFERENCES keys,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX workflows_name ON workflows (user_id, name) WHERE deleted_at IS NULL;
CREATE INDEX workflows_key ON workflows (key_id, id);
CREATE TRIGGER workflows_retired BEFORE INSERT OR UPDATE OF key_id ON workflows FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

-- What was applied, and the integrations that its words stand for. A run stays with the version that it began with.
CREATE TABLE workflow_versions (
    workflow_id text NOT NULL REFERENCES workflows ON DELETE CASCADE,
    version     integer NOT NULL,
    source      text NOT NULL,
    bindings    jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workflow_id, version)
);

CREATE TABLE workflow_schedules (
    workflow_id text NOT NULL REFERENCES workflows ON DELETE CASCADE,
    n           integer NOT NULL,
    cron        text NOT NULL,
    zone        text NOT NULL,
    input       jsonb NOT NULL,
    next_at     timestamptz,
    PRIMARY KEY (workflow_id, n)
);
CREATE INDEX workflow_schedules_due ON workflow_schedules (next_at) WHERE next_at IS NOT NULL;

-- sealed is the data key of what the run keeps: its input, and what its nodes were given and gave. open counts nodes that have not ended.
CREATE TABLE runs (
    id          text PRIMARY KEY,
    user_id     text NOT NULL,
    workflow_id text NOT NULL,
    workflow    text NOT NULL,
    version     integer NOT NULL,
    trigger     text NOT NULL,
    test        boolean NOT NULL,
    state       text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled')),
    open        integer NOT NULL,
    failing     boolean NOT NULL DEFAULT false,
    cancelling  boolean NOT NULL DEFAULT false,
    code        text NOT NULL DEFAULT '',
    error       text NOT NULL DEFAULT '',
    error_node  text NOT NULL DEFAULT '',
    parent_run  text NOT NULL DEFAULT '',
    parent_node text NOT NULL DEFAULT '',
    parent_item integer NOT NULL DEFAULT -1,
    root_id     text NOT NULL,
    depth       integer NOT NULL,
    input       bytea NOT NULL,
    sealed      bytea NOT NULL,
    key_id      text NOT NULL REFERENCES keys,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE INDEX runs_user ON runs (user_id, id DESC);
CREATE INDEX runs_workflow ON runs (workflow_id, id DESC);
CREATE INDEX runs_live ON runs (user_id, id) WHERE state = 'running';
CREATE INDEX runs_root ON runs (root_id);
CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX runs_key ON runs (key_id, id);
CREATE TRIGGER runs_retired BEFORE INSERT OR UPDATE OF key_id ON runs FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

-- One row for each node of a run, and one for each item of a for_each (item >= 0). ready_at is set while a host may take it; owner is the
-- host that has it, whose heartbeat is its lease; fence changes whenever it is taken.
CREATE TABLE run_nodes (
    run_id      text NOT NULL REFERENCES runs ON DELETE CASCADE,
    name        text NOT NULL,
    item        integer NOT NULL DEFAULT -1,
    seq         integer NOT NULL,
    state       text NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'running', 'waiting', 'succeeded', 'failed', 'skipped', 'cancelled')),
    phase       text NOT NULL DEFAULT '',
    blocked     integer NOT NULL DEFAULT 0,
    ready_at    timestamptz,
    owner       text NOT NULL DEFAULT '',
    fence       bigint NOT NULL DEFAULT 0,
    attempt     integer NOT NULL DEFAULT 1,
    items       integer,
    items_open  integer NOT NULL DEFAULT 0,
    child_run   text NOT NULL DEFAULT '',
    code        text NOT NULL DEFAULT '',
    error       text NOT NULL DEFAULT '',
    call_id     text NOT NULL DEFAULT '',
    value       bytea,
    input       bytea,
    output      bytea,
    started_at  timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (run_id, name, item)
);
CREATE INDEX run_nodes_ready ON run_nodes (run_id, ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX run_nodes_owned ON run_nodes (owner) WHERE owner <> '';

-- Messages that an inbound webhook has taken, so that none is taken twice.
CREATE TABLE hook_messages (
    hook_id    text NOT NULL,
    message_id text NOT NULL,
    run_id     text NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hook_id, message_id)
);
CREATE INDEX hook_messages_age ON hook_messages (at);

---- create above / drop below ----

DROP TABLE hook_messages, run_nodes, runs, workflow_schedules, workflow_versions, workflows;
ALTER TABLE calls DROP COLUMN pool_id, DROP COLUMN run_id;
DROP TABLE pools;
