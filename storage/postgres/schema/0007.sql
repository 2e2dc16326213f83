-- Version 7. What is to be signed, and what proves a result.

CREATE TABLE login_documents (
	id      text COLLATE "C" PRIMARY KEY,
	expires timestamptz NOT NULL,
	body    bytea NOT NULL
);
CREATE TABLE evidence (
	id        text COLLATE "C" PRIMARY KEY,
	client_id text COLLATE "C" NOT NULL,
	created   timestamptz NOT NULL,
	kept      timestamptz NOT NULL,
	body      bytea NOT NULL
);
CREATE INDEX evidence_client ON evidence (client_id, created, id);
CREATE INDEX evidence_kept ON evidence (kept);
