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

---- create above / drop below ----

DROP FUNCTION take_budget;
DROP TABLE budget_grants, holds;
