-- The set of videos ordered at once that a job is one of: the id of its first job.
ALTER TABLE jobs ADD COLUMN set_id TEXT;
CREATE INDEX jobs_of_set ON jobs (set_id) WHERE set_id IS NOT NULL;
