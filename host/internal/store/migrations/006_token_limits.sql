-- What a token's calls are held to beside its scopes; {} holds them to nothing.
ALTER TABLE tokens ADD COLUMN limits jsonb NOT NULL DEFAULT '{}';

---- create above / drop below ----

ALTER TABLE tokens DROP COLUMN limits;
