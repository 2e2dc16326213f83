-- Version 3. Accounts of operators, counts of attempts to log in, and mail. Steps of accounts lock the row of the installation that is called
-- operators; its value names the last of them.

CREATE TABLE operators (
	id   text COLLATE "C" PRIMARY KEY,
	body bytea NOT NULL
);
CREATE TABLE operator_handles (
	handle      bytea PRIMARY KEY,
	operator_id text COLLATE "C" NOT NULL
);

CREATE TABLE throttles (
	key     bytea PRIMARY KEY,
	expires timestamptz NOT NULL,
	body    bytea NOT NULL
);
CREATE INDEX throttles_expires ON throttles (expires);

CREATE TABLE mail (
	id       text COLLATE "C" PRIMARY KEY,
	due      timestamptz NOT NULL,
	attempts integer NOT NULL,
	expires  timestamptz NOT NULL,
	body     bytea NOT NULL
);
CREATE INDEX mail_due ON mail (due);
CREATE INDEX mail_expires ON mail (expires);

INSERT INTO installation (name, value) VALUES ('operators', '') ON CONFLICT (name) DO NOTHING;
