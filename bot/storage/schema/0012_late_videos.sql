-- When bringing a video is tried again that fal made, and that was only linked or not posted at all (Unix seconds).
ALTER TABLE jobs ADD COLUMN late_at DOUBLE PRECISION;
CREATE INDEX jobs_late ON jobs (late_at) WHERE late_at IS NOT NULL;
