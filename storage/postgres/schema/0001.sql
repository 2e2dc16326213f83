-- Version 1. Identifiers are text in the order of their bytes, hashes bytea. What is sealed is called body. Expiry is kept in a column of its
-- own, so that expired rows are found without the key that seals them.

CREATE TABLE installation (
	name  text COLLATE "C" PRIMARY KEY,
	value bytea NOT NULL
);

-- Who shares the database, and when each was heard of last.
CREATE TABLE nodes (
	name  text COLLATE "C" PRIMARY KEY,
	heard timestamptz NOT NULL
);

-- A generation is a number that no other client ever had: removing a client withdraws its grants, which carry it.
CREATE SEQUENCE client_generations;
CREATE TABLE clients (
	id         text COLLATE "C" PRIMARY KEY,
	generation bigint NOT NULL,
	revision   bigint NOT NULL,
	-- written is random and names the write that the row is from.
	written    bytea NOT NULL,
	body       bytea NOT NULL
);
CREATE TABLE client_origins (
	origin    text COLLATE "C" NOT NULL,
	client_id text COLLATE "C" NOT NULL,
	PRIMARY KEY (origin, client_id)
);
-- How often clients have been changed.
CREATE TABLE client_changes (
	one   boolean PRIMARY KEY DEFAULT true CHECK (one),
	count bigint NOT NULL
);
INSERT INTO client_changes (count) VALUES (0) ON CONFLICT DO NOTHING;

-- What never changes of a login, and what changes. A collector stands in the row while an order is pending.
CREATE TABLE login_requests (
	id      text COLLATE "C" PRIMARY KEY,
	expires timestamptz NOT NULL,
	body    bytea NOT NULL
);
CREATE TABLE logins (
	id        text COLLATE "C" PRIMARY KEY,
	revision  bigint NOT NULL,
	expires   timestamptz NOT NULL,
	collector text COLLATE "C",
	body      bytea NOT NULL
) WITH (fillfactor = 50); -- so that a step's new row lies beside the old one
CREATE INDEX logins_expires ON logins (expires);
CREATE INDEX logins_collector ON logins (collector) WHERE collector IS NOT NULL;

CREATE TABLE grants (
	id          text COLLATE "C" PRIMARY KEY,
	client_id   text COLLATE "C" NOT NULL,
	generation  bigint NOT NULL,
	-- sid and session lead to the grant until its session has ended.
	sid         text COLLATE "C",
	session     text COLLATE "C",
	is_offline  boolean NOT NULL,
	expires     timestamptz NOT NULL,
	kept        timestamptz NOT NULL,
	revoked     timestamptz,
	body        bytea NOT NULL
);
CREATE INDEX grants_sid ON grants (sid) WHERE sid IS NOT NULL;
CREATE INDEX grants_session ON grants (session) WHERE session IS NOT NULL;
CREATE INDEX grants_kept ON grants (kept);

CREATE TABLE codes (
	hash         bytea PRIMARY KEY,
	grant_id     text COLLATE "C" NOT NULL,
	client_id    text COLLATE "C" NOT NULL,
	redirect_uri text COLLATE "C" NOT NULL,
	challenge    text COLLATE "C" NOT NULL,
	resources    text[],
	expires      timestamptz NOT NULL,
	spent        timestamptz,
	kept         timestamptz NOT NULL
);
CREATE INDEX codes_kept ON codes (kept);

CREATE TABLE access_tokens (
	hash      bytea PRIMARY KEY,
	grant_id  text COLLATE "C" NOT NULL,
	issued    timestamptz,
	expires   timestamptz NOT NULL,
	scopes    text[],
	resources text[]
);
CREATE INDEX access_tokens_expires ON access_tokens (expires);

CREATE TABLE refresh_tokens (
	hash       bytea PRIMARY KEY,
	grant_id   text COLLATE "C" NOT NULL,
	generation integer NOT NULL,
	expires    timestamptz NOT NULL,
	spent      timestamptz,
	next       bytea,
	kept       timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_kept ON refresh_tokens (kept);

CREATE TABLE sessions (
	id       text COLLATE "C" PRIMARY KEY,
	cookie   bytea NOT NULL UNIQUE,
	revision bigint NOT NULL,
	ends     timestamptz NOT NULL,
	expires  timestamptz NOT NULL,
	body     bytea NOT NULL
);
CREATE INDEX sessions_ends ON sessions (ends);

CREATE TABLE logout_notices (
	id       text COLLATE "C" PRIMARY KEY,
	due      timestamptz NOT NULL,
	attempts integer NOT NULL,
	expires  timestamptz NOT NULL,
	body     bytea NOT NULL
);
CREATE INDEX logout_notices_due ON logout_notices (due);
CREATE INDEX logout_notices_expires ON logout_notices (expires);

CREATE TABLE pushed_requests (
	hash      bytea PRIMARY KEY,
	client_id text COLLATE "C" NOT NULL,
	expires   timestamptz NOT NULL,
	body      bytea NOT NULL
);
CREATE INDEX pushed_requests_expires ON pushed_requests (expires);

CREATE TABLE used_once (
	key     bytea PRIMARY KEY,
	expires timestamptz NOT NULL
);
CREATE INDEX used_once_expires ON used_once (expires);

CREATE TABLE signing_keys (
	one      boolean PRIMARY KEY DEFAULT true CHECK (one),
	revision bigint NOT NULL,
	body     bytea NOT NULL
);

CREATE TABLE secrets (
	name text COLLATE "C" PRIMARY KEY,
	body bytea NOT NULL
);

CREATE TABLE audit_events (
	time      timestamptz NOT NULL,
	id        text COLLATE "C" NOT NULL,
	reference text COLLATE "C" NOT NULL,
	expires   timestamptz NOT NULL,
	body      jsonb NOT NULL,
	PRIMARY KEY (time, id)
);
CREATE INDEX audit_events_reference ON audit_events (reference, time) WHERE reference <> '';
CREATE INDEX audit_events_expires ON audit_events (expires);
