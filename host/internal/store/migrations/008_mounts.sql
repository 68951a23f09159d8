-- Platforms that operators made without code. The document is kept so that it can be compiled again; compiled is what its adapter made of it.
CREATE TABLE mounts (
  id text PRIMARY KEY,
  adapter text NOT NULL,
  revision bigint NOT NULL,
  definition jsonb NOT NULL,
  document bytea,
  compiled bytea,
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL
);

---- create above / drop below ----

DROP TABLE mounts;
