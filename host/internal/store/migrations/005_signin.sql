-- Who of the users signs in at which provider.
CREATE TABLE user_identities (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    user_id    text NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);

-- Ways to the provider that were used, until they could not be used anyway.
CREATE TABLE signin_flows (
    hash       bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

---- create above / drop below ----

DROP TABLE signin_flows, user_identities;
