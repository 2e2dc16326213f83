-- Version 6. Small records that the store does not look into.

CREATE TABLE notes (
	key  bytea PRIMARY KEY,
	body bytea NOT NULL
);
