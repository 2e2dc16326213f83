-- Version 4. The tree over the audit events: itself, and its hashes in tiles.

CREATE TABLE audit_tree (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	size       bigint NOT NULL,
	checkpoint bytea NOT NULL
);
CREATE TABLE audit_tiles (
	key  bytea PRIMARY KEY, -- level (1 byte) + index (8 bytes)
	body bytea NOT NULL
);
