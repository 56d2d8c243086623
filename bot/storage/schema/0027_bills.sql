-- Which job a request at fal was made for. It stays when the job's row is deleted, so that its bill still finds the books.
CREATE TABLE fal_requests (
    request_id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    guild_id BIGINT NOT NULL,
    policy TEXT NOT NULL CHECK (policy IN ('charge', 'absorb')),
    absorbed_daily_microusd BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX fal_requests_of_job ON fal_requests (job_id);
CREATE INDEX fal_requests_by_time ON fal_requests (at);

-- What fal billed, in billionths of a dollar: one row for each moment at which a request was billed.
CREATE TABLE bills (
    request_id TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    endpoint TEXT NOT NULL,
    nano_usd BIGINT NOT NULL CHECK (nano_usd >= 0 AND nano_usd <= 1000000000000000),
    is_open BIGINT NOT NULL,
    PRIMARY KEY (request_id, at)
);
CREATE INDEX bills_by_time ON bills (at);
CREATE INDEX bills_open ON bills (request_id) WHERE is_open = 1;

-- A change of what a job had spent in one scope, after its hold had ended: fal's bill says otherwise.
CREATE TABLE corrections (
    job_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    scope TEXT NOT NULL,
    guild_id BIGINT NOT NULL,
    spent_delta_microusd BIGINT NOT NULL
    CHECK (spent_delta_microusd >= -1000000000000 AND spent_delta_microusd <= 1000000000000),
    counted_at DOUBLE PRECISION NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (job_id, number, scope)
);
CREATE INDEX corrections_by_guild ON corrections (guild_id, at);
