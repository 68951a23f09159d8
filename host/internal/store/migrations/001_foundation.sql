-- Hosts: one row for each process that serves. heartbeat_at is always the database's time.
CREATE TABLE hosts (
    id           text PRIMARY KEY,
    name         text NOT NULL DEFAULT '',
    address      text NOT NULL DEFAULT '',
    version      text NOT NULL DEFAULT '',
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    keys_held    text[] NOT NULL DEFAULT '{}',
    key_sealing  text NOT NULL DEFAULT '',
    keys_told    boolean NOT NULL DEFAULT false
);

-- Key-encryption keys as the database knows them: never a key.
CREATE TABLE keys (
    id          text PRIMARY KEY,
    state       text NOT NULL CHECK (state IN ('pending', 'primary', 'secondary', 'retired')),
    origin      text NOT NULL,
    host        text NOT NULL,
    created_at  timestamptz NOT NULL,
    check_value bytea NOT NULL
);
CREATE UNIQUE INDEX keys_one_primary ON keys (state) WHERE state = 'primary';
CREATE UNIQUE INDEX keys_one_pending ON keys (state) WHERE state = 'pending';

-- Whatever is sealed names its key; a retired key takes no more.
CREATE FUNCTION refuse_retired_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.key_id IS NOT NULL AND EXISTS (SELECT 1 FROM keys WHERE id = NEW.key_id AND state = 'retired') THEN
        RAISE EXCEPTION 'key % is retired', NEW.key_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

-- Sealed values of the host itself, by name.
CREATE TABLE secrets (
    id         text PRIMARY KEY,
    sealed     bytea NOT NULL,
    key_id     text NOT NULL REFERENCES keys,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX secrets_key ON secrets (key_id, id);
CREATE TRIGGER secrets_retired BEFORE INSERT OR UPDATE OF key_id ON secrets FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

CREATE TABLE users (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('operator', 'user')),
    created_at timestamptz NOT NULL
);

CREATE TABLE signin_links (
    hash       bytea PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users,
    expires_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    hash       bytea PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE tokens (
    id         text PRIMARY KEY,
    user_id    text NOT NULL REFERENCES users,
    name       text NOT NULL,
    hash       bytea NOT NULL UNIQUE,
    scopes     text[] NOT NULL,
    service    boolean NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX tokens_user ON tokens (user_id, id DESC);

-- What the operator set for a platform; sealed holds the client secret.
CREATE TABLE platform_settings (
    id         text PRIMARY KEY,
    settings   jsonb NOT NULL,
    sealed     bytea,
    key_id     text REFERENCES keys,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX platform_settings_key ON platform_settings (key_id, id);
CREATE TRIGGER platform_settings_retired BEFORE INSERT OR UPDATE OF key_id ON platform_settings FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

CREATE TABLE integrations (
    id                    text PRIMARY KEY,
    user_id               text NOT NULL REFERENCES users,
    platform              text NOT NULL,
    label                 text NOT NULL,
    auth_method           text NOT NULL,
    enabled               boolean NOT NULL,
    expired_at            timestamptz,
    expired_reason        text NOT NULL DEFAULT '',
    deleted_at            timestamptz,
    status                text NOT NULL GENERATED ALWAYS AS (CASE
                              WHEN deleted_at IS NOT NULL THEN 'deleted'
                              WHEN NOT enabled THEN 'inactive'
                              WHEN expired_at IS NOT NULL THEN 'expired'
                              ELSE 'active' END) STORED,
    account_id            text NOT NULL DEFAULT '',
    account_name          text NOT NULL DEFAULT '',
    scopes                text[] NOT NULL DEFAULT '{}',
    public_fields         jsonb NOT NULL DEFAULT '{}',
    version               bigint NOT NULL,
    sealed                bytea NOT NULL,
    key_id                text NOT NULL REFERENCES keys,
    credential_expires_at timestamptz,
    credential_set_at     timestamptz NOT NULL,
    created_at            timestamptz NOT NULL
);
CREATE INDEX integrations_user ON integrations (user_id, id DESC);
CREATE INDEX integrations_key ON integrations (key_id, id);
CREATE TRIGGER integrations_retired BEFORE INSERT OR UPDATE OF key_id ON integrations FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

-- One row for each call, without payloads.
CREATE TABLE calls (
    id             text PRIMARY KEY,
    user_id        text NOT NULL,
    token_id       text NOT NULL,
    integration_id text NOT NULL,
    label          text NOT NULL,
    platform       text NOT NULL,
    operation      text NOT NULL,
    effect         text NOT NULL,
    kind           text NOT NULL,
    reason         text NOT NULL,
    started_at     timestamptz NOT NULL,
    duration_us    bigint NOT NULL,
    attempts       integer NOT NULL,
    bytes_in       bigint NOT NULL,
    bytes_out      bigint NOT NULL,
    units          jsonb,
    host_id        text NOT NULL
);
CREATE INDEX calls_user ON calls (user_id, id DESC);
CREATE INDEX calls_integration ON calls (integration_id, id DESC);

-- The audit log: one hash chain for each host process. audit_heads holds each chain's end, so that a cut is seen.
CREATE TABLE audit (
    chain   text NOT NULL,
    seq     bigint NOT NULL,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    subject text NOT NULL,
    detail  jsonb,
    hash    bytea NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_at ON audit (at DESC, chain, seq DESC);
CREATE TABLE audit_heads (
    chain text PRIMARY KEY,
    seq   bigint NOT NULL,
    hash  bytea NOT NULL
);

-- What an Idempotency-Key stands for; sealed holds the answer once the call has ended.
CREATE TABLE claims (
    id           text PRIMARY KEY,
    user_id      text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    host_id      text NOT NULL,
    call_id      text NOT NULL,
    sealed       bytea,
    key_id       text REFERENCES keys,
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, key)
);
CREATE INDEX claims_age ON claims (created_at);
CREATE INDEX claims_key ON claims (key_id, id);
CREATE TRIGGER claims_retired BEFORE INSERT OR UPDATE OF key_id ON claims FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

-- Files that calls gave; sealed is the data key of the chunks.
CREATE TABLE files (
    id         text PRIMARY KEY,
    call_id    text NOT NULL,
    user_id    text NOT NULL,
    name       text NOT NULL,
    media_type text NOT NULL,
    size       bigint NOT NULL,
    chunks     integer NOT NULL,
    sealed     bytea NOT NULL,
    key_id     text NOT NULL REFERENCES keys,
    expires_at timestamptz NOT NULL
);
CREATE INDEX files_call ON files (call_id);
CREATE INDEX files_age ON files (expires_at);
CREATE INDEX files_key ON files (key_id, id);
CREATE TRIGGER files_retired BEFORE INSERT OR UPDATE OF key_id ON files FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();
CREATE TABLE file_chunks (
    file_id   text NOT NULL,
    seq       integer NOT NULL,
    data      bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, seq)
);
CREATE INDEX file_chunks_age ON file_chunks (stored_at);

-- What a binary declared, by its digest, so that it need not be started to know it.
CREATE TABLE manifests (
    digest     bytea PRIMARY KEY,
    adapter    text NOT NULL,
    version    text NOT NULL,
    manifest   bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

---- create above / drop below ----

DROP TABLE manifests, file_chunks, files, claims, audit_heads, audit, calls, integrations, platform_settings, tokens, sessions,
    signin_links, users, secrets, keys, hosts;
DROP FUNCTION refuse_retired_key;
