-- Until when platforms want integrations left alone.
CREATE TABLE holds (
    integration_id text PRIMARY KEY,
    until          timestamptz NOT NULL
);

-- Calls of rate limits that hosts were granted, until they count no more. A crash of the database forgets them: they last seconds or minutes,
-- and a grant need not wait for the disk.
CREATE UNLOGGED TABLE budget_grants (
    integration_id text NOT NULL,
    budget         text NOT NULL,
    calls          bigint NOT NULL,
    ends_at        timestamptz NOT NULL
);
CREATE INDEX budget_grants_budget ON budget_grants (integration_id, budget);
CREATE INDEX budget_grants_age ON budget_grants (ends_at);

-- Grants at most want of the calls that a budget has left; without any it answers when the first grant ends. A lock keeps one asker behind the
-- other, and each statement of the function sees what was committed before it.
CREATE FUNCTION take_budget(integration text, name text, most bigint, want bigint, counts interval, OUT granted bigint, OUT wait interval)
LANGUAGE plpgsql AS $$
DECLARE
    used bigint;
    moment timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(integration || ' ' || name, 7));
    moment := clock_timestamp();
    DELETE FROM budget_grants g WHERE g.integration_id = integration AND g.budget = name AND g.ends_at <= moment;
    SELECT coalesce(sum(g.calls), 0), min(g.ends_at) - moment INTO used, wait FROM budget_grants g
        WHERE g.integration_id = integration AND g.budget = name;
    granted := greatest(least(want, most - used), 0);
    IF granted > 0 THEN
        wait := '0';
        INSERT INTO budget_grants VALUES (integration, name, granted, moment + counts);
    END IF;
END $$;

ALTER TABLE calls ADD COLUMN IF NOT EXISTS workflow text;

-- Sums over calls. span is 'h' or 'd' and at the hour or day (UTC) in which the calls began. latency counts them by duration (usage.Latency).
CREATE TABLE usage_sums (
    user_id        text NOT NULL,
    span           text NOT NULL,
    at             timestamptz NOT NULL,
    integration_id text NOT NULL,
    platform       text NOT NULL,
    operation      text NOT NULL,
    workflow       text NOT NULL,
    calls          bigint NOT NULL,
    failed         bigint NOT NULL,
    duration_us    bigint NOT NULL,
    bytes_in       bigint NOT NULL,
    bytes_out      bigint NOT NULL,
    cost           numeric NOT NULL,
    latency        bigint[] NOT NULL,
    PRIMARY KEY (user_id, span, at, integration_id, platform, operation, workflow)
);
CREATE INDEX usage_sums_age ON usage_sums (span, at);

-- What has a name besides: kinds of failures and units.
CREATE TABLE usage_parts (
    user_id        text NOT NULL,
    span           text NOT NULL,
    at             timestamptz NOT NULL,
    integration_id text NOT NULL,
    platform       text NOT NULL,
    operation      text NOT NULL,
    workflow       text NOT NULL,
    sort           text NOT NULL, -- 'kind' or 'unit'
    name           text NOT NULL,
    n              numeric NOT NULL,
    PRIMARY KEY (user_id, span, at, integration_id, platform, operation, workflow, sort, name)
);
CREATE INDEX usage_parts_age ON usage_parts (span, at);

-- How far each chain of the audit log is rolled up. A call is committed with its record there, and the records of a chain are committed in
-- their order: what lies behind seq is complete, and nothing comes before it any more.
CREATE TABLE usage_progress (
    chain text PRIMARY KEY,
    seq   bigint NOT NULL
);

-- The operator's prices.
CREATE TABLE usage_prices (
    platform  text NOT NULL,
    operation text NOT NULL,
    unit      text NOT NULL,
    usd       numeric NOT NULL,
    PRIMARY KEY (platform, operation, unit)
);

CREATE FUNCTION add_latency(a bigint[], b bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS
    'SELECT array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY i) FROM unnest(a, b) WITH ORDINALITY u(x, y, i)';

-- Who is told when calls are too many, fail, are slow or cost too much. due_at is when a host looks at it next; value and state are as it found them.
CREATE TABLE alerts (
    id          text PRIMARY KEY,
    user_id     text NOT NULL REFERENCES users,
    name        text NOT NULL,
    condition   jsonb NOT NULL,
    post        jsonb,
    enabled     boolean NOT NULL,
    state       text NOT NULL DEFAULT 'ok',
    value       double precision NOT NULL DEFAULT 0,
    changed_at  timestamptz,
    checked_at  timestamptz,
    due_at      timestamptz NOT NULL DEFAULT now(),
    created_at  timestamptz NOT NULL
);
CREATE INDEX alerts_user ON alerts (user_id, id DESC);
CREATE INDEX alerts_due ON alerts (due_at) WHERE enabled;

-- What an alert is to post with its owner's integration. The id is the call's Idempotency-Key, so that it is posted once.
CREATE TABLE alert_posts (
    id          text PRIMARY KEY,
    alert_id    text NOT NULL REFERENCES alerts ON DELETE CASCADE,
    state       text NOT NULL,
    value       double precision NOT NULL,
    attempts    integer NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT now(),
    done_at     timestamptz,
    problem     text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX alert_posts_due ON alert_posts (due_at) WHERE done_at IS NULL;
CREATE INDEX alert_posts_alert ON alert_posts (alert_id, id DESC);

-- A token that a program got by OAuth is good at one surface alone (audience), and is refreshed: its secrets change, its id stays.
ALTER TABLE tokens ADD COLUMN audience text NOT NULL DEFAULT '', ADD COLUMN refresh_hash bytea, ADD COLUMN client_id text NOT NULL DEFAULT '',
    ADD COLUMN refresh_ends timestamptz;

-- What users agreed to, until a program redeems it; token_id is what it got, and finds it again where the code comes twice.
CREATE TABLE consent_codes (
    hash         bytea PRIMARY KEY,
    user_id      text NOT NULL REFERENCES users,
    client       text NOT NULL,
    client_id    text NOT NULL,
    redirect_uri text NOT NULL,
    challenge    text NOT NULL,
    scopes       text[] NOT NULL,
    limits       jsonb NOT NULL,
    expires_at   timestamptz NOT NULL,
    token_id     text
);
CREATE INDEX consent_codes_age ON consent_codes (expires_at);

---- create above / drop below ----

DROP TABLE consent_codes;
ALTER TABLE tokens DROP COLUMN audience, DROP COLUMN refresh_hash, DROP COLUMN client_id, DROP COLUMN refresh_ends;
DROP TABLE alert_posts, alerts;
DROP FUNCTION add_latency;
DROP TABLE usage_prices, usage_progress, usage_parts, usage_sums;
ALTER TABLE calls DROP COLUMN workflow;
DROP FUNCTION take_budget;
DROP TABLE budget_grants, holds;
