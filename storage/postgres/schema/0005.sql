-- Version 5. Keys for the management API.

CREATE TABLE api_keys (
	id       text COLLATE "C" PRIMARY KEY,
	revision bigint NOT NULL,
	-- written is random and names the write that the row is from.
	written  bytea NOT NULL,
	body     bytea NOT NULL
);
