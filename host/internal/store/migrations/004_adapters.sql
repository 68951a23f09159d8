-- Releases of adapters: one row for each version, operating system and architecture. A release that is built in follows the host's own
-- folder of adapters and may get another digest; any other never changes.
CREATE TABLE adapter_releases (
    adapter       text NOT NULL,
    version       text NOT NULL,
    os            text NOT NULL,
    arch          text NOT NULL,
    digest        bytea NOT NULL CHECK (length(digest) = 32),
    size          bigint NOT NULL,
    trust         text NOT NULL CHECK (trust IN ('built-in', 'signed', 'unsigned')),
    publisher     text NOT NULL DEFAULT '',
    grants        text[] NOT NULL DEFAULT '{}',
    manifest      bytea,
    signature     bytea,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    text NOT NULL,
    failed_at     timestamptz,
    failed_reason text NOT NULL DEFAULT '',
    PRIMARY KEY (adapter, version, os, arch),
    CHECK (trust <> 'unsigned' OR grants = '{}')
);

-- The binaries, in compressed pieces.
CREATE TABLE adapter_binaries (
    digest bytea NOT NULL,
    seq    integer NOT NULL,
    data   bytea NOT NULL,
    PRIMARY KEY (digest, seq)
);
ALTER TABLE adapter_binaries ALTER COLUMN data SET STORAGE EXTERNAL;

-- What every host is to run. previous is the release to fall back to, '' where there is none.
CREATE TABLE adapter_desired (
    adapter    text PRIMARY KEY,
    version    text NOT NULL,
    previous   text NOT NULL DEFAULT '',
    canary     text NOT NULL DEFAULT '',
    share      double precision NOT NULL DEFAULT 0,
    pinned     boolean NOT NULL DEFAULT false,
    disabled   boolean NOT NULL DEFAULT false,
    forced     boolean NOT NULL DEFAULT false,
    revision   bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL
);

-- Publishers whose signatures the operator accepts.
CREATE TABLE adapter_keys (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    public_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL
);

-- What happened to adapters, and where.
CREATE TABLE adapter_events (
    id      text PRIMARY KEY,
    adapter text NOT NULL,
    version text NOT NULL,
    kind    text NOT NULL,
    host_id text NOT NULL,
    actor   text NOT NULL,
    detail  text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX adapter_events_adapter ON adapter_events (adapter, id DESC);

---- create above / drop below ----

DROP TABLE adapter_events, adapter_keys, adapter_desired, adapter_binaries, adapter_releases;
