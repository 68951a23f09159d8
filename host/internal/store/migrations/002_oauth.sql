-- How an OAuth grant was given, whether it can be refreshed, and when the host does so by itself.
ALTER TABLE integrations
    ADD COLUMN grant_type text NOT NULL DEFAULT '',
    ADD COLUMN refreshable boolean NOT NULL DEFAULT false,
    ADD COLUMN refresh_at timestamptz;
CREATE INDEX integrations_refresh ON integrations (refresh_at) WHERE refresh_at IS NOT NULL AND status = 'active';

-- The right to refresh a grant. A request that was sent and not concluded stays in sent_*, and moves to lost_* when another is sent.
-- All times are the database's.
CREATE TABLE refresh_leases (
    integration_id text PRIMARY KEY,
    owner          text NOT NULL DEFAULT '',
    fence          bigint NOT NULL DEFAULT 0,
    expires_at     timestamptz,
    sent_at        timestamptz,
    sent_version   bigint,
    sent_by        text,
    lost_at        timestamptz,
    lost_version   bigint,
    lost_by        text,
    failures       integer NOT NULL DEFAULT 0,
    retry_at       timestamptz,
    failure        jsonb
);

-- What became of each refresh.
CREATE TABLE refreshes (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    integration_id text NOT NULL,
    user_id        text NOT NULL,
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    host_id        text NOT NULL,
    reason         text NOT NULL,
    outcome        text NOT NULL CHECK (outcome IN ('refreshed', 'late', 'failed', 'refused')),
    code           text NOT NULL DEFAULT '',
    message        text NOT NULL DEFAULT '',
    version        bigint NOT NULL,
    duration_us    bigint NOT NULL
);
CREATE INDEX refreshes_integration ON refreshes (integration_id, id DESC);
CREATE INDEX refreshes_age ON refreshes (at);

-- Authorisations under way; sealed holds the PKCE verifier or the device code.
CREATE TABLE authorizations (
    id             text PRIMARY KEY,
    user_id        text NOT NULL REFERENCES users,
    platform       text NOT NULL,
    grant_type     text NOT NULL,
    label          text NOT NULL,
    integration_id text NOT NULL,
    scopes         text[] NOT NULL,
    session_id     text NOT NULL DEFAULT '',
    link_hash      bytea UNIQUE,
    state_hash     bytea UNIQUE,
    binder_hash    bytea,
    redirect_uri   text NOT NULL DEFAULT '',
    sealed         bytea,
    key_id         text REFERENCES keys,
    poll_at        timestamptz,
    poll_every_us  bigint NOT NULL DEFAULT 0,
    state          text NOT NULL CHECK (state IN ('pending', 'working', 'done', 'failed')),
    result         text NOT NULL DEFAULT '',
    code           text NOT NULL DEFAULT '',
    message        text NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL
);
CREATE INDEX authorizations_key ON authorizations (key_id, id);
CREATE INDEX authorizations_age ON authorizations (expires_at);
CREATE TRIGGER authorizations_retired BEFORE INSERT OR UPDATE OF key_id ON authorizations FOR EACH ROW EXECUTE FUNCTION refuse_retired_key();

-- One-time links on which an end user connects an account.
CREATE TABLE connect_sessions (
    id             text PRIMARY KEY,
    hash           bytea NOT NULL UNIQUE,
    user_id        text NOT NULL REFERENCES users,
    platforms      text[] NOT NULL,
    label          text NOT NULL,
    integration_id text NOT NULL,
    return_url     text NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    used_at        timestamptz,
    result         text NOT NULL DEFAULT ''
);
CREATE INDEX connect_sessions_age ON connect_sessions (expires_at);

---- create above / drop below ----

DROP TABLE connect_sessions, authorizations, refreshes, refresh_leases;
ALTER TABLE integrations DROP COLUMN grant_type, DROP COLUMN refreshable, DROP COLUMN refresh_at;
