-- Version 2. What each process seals with, as a check that opens with that key: the others see whether it is the key that they seal with.

ALTER TABLE nodes ADD COLUMN key_check bytea;
