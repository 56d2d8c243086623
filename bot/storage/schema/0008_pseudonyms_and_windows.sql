-- What a member spent is known again after they deleted their data: their pseudonym is made from their id with this key.
-- It replaces the time during which they could not order.
CREATE TABLE pseudonym_key (id BIGINT PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL);
DROP TABLE away;

-- A day, week or month that began in another timezone than its server has now.
CREATE TABLE kept_windows (
    guild_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'day' OR kind = 'week' OR kind = 'month'),
    starts_at DOUBLE PRECISION NOT NULL,
    ends_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, kind)
);

-- Whose files a rerun has copies of: those of the job it was made from, and of the job that one was made from.
CREATE TABLE borrowings (job_id TEXT NOT NULL, source_id TEXT NOT NULL, PRIMARY KEY (job_id, source_id));
CREATE INDEX borrowings_by_source ON borrowings (source_id);
INSERT INTO borrowings (job_id, source_id)
WITH RECURSIVE line (job_id, source_id) AS (
    SELECT id, parent_id FROM jobs WHERE parent_id IS NOT NULL AND body LIKE '%"is_borrowed":true%'
    UNION SELECT line.job_id, parent.parent_id FROM line JOIN jobs parent ON parent.id = line.source_id
    WHERE parent.parent_id IS NOT NULL AND parent.body LIKE '%"is_borrowed":true%'
)
SELECT job_id, source_id FROM line;
