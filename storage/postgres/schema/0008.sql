-- Version 8. Evidence of all clients by its time.

CREATE INDEX evidence_created ON evidence (created, id);
