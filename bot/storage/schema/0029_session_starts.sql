-- When a shard of each of Discord's buckets identified last, so that a process that died is waited for too.
CREATE TABLE session_starts (
    bucket BIGINT PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL
);
