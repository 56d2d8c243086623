-- A job may begin with the result of another, and its files are removed from disk after a time.
ALTER TABLE jobs ADD COLUMN parent_id TEXT;
ALTER TABLE jobs ADD COLUMN pressed TEXT;
ALTER TABLE jobs ADD COLUMN files_gone BIGINT NOT NULL DEFAULT 0;

-- One unfinished rerun for each member, parent and reaction or button, whoever presses how often.
CREATE UNIQUE INDEX jobs_again_once ON jobs (parent_id, member_id, pressed) WHERE told = 0;
CREATE INDEX jobs_by_parent ON jobs (parent_id, created_at) WHERE parent_id IS NOT NULL;
CREATE INDEX jobs_by_message ON jobs (message_id);
CREATE INDEX jobs_of_member ON jobs (member_id, created_at);
CREATE INDEX draws_of_member ON draws (member_id);
CREATE INDEX jobs_with_files ON jobs (created_at) WHERE told = 1 AND files_gone = 0;

-- A member whose data is deleted loses the name in the books too, where every amount stays. While this table has a row,
-- which is within one transaction only, entries and acts may exchange that name for that pseudonym and nothing else.
CREATE TABLE renaming (name TEXT PRIMARY KEY, pseudonym TEXT NOT NULL);

-- Whoever deleted their data has no used allowance in the books any more, and waits for the next one. `name` is a hash.
CREATE TABLE away (name TEXT PRIMARY KEY, until_at DOUBLE PRECISION NOT NULL);

-- Servers that Wanda was removed from and whose data is not all deleted yet.
CREATE TABLE leaving (guild_id BIGINT PRIMARY KEY, at DOUBLE PRECISION NOT NULL);
