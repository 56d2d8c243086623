-- Jobs that ended without a video and still have their files, for another try.
CREATE INDEX jobs_to_retry ON jobs (guild_id, created_at) WHERE files_gone = 0 AND input_bytes > 0 AND state IN ('failed', 'cancelled');
