-- The ledger. A statement ends with a semicolon at the end of a line, and both engines take this text.

-- One row for each budget that was ever used: a scope (whose money) in a period (for how long).
CREATE TABLE budgets (
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    cap_microusd BIGINT NOT NULL CHECK (cap_microusd >= 0),
    held_microusd BIGINT NOT NULL CHECK (held_microusd >= 0),
    spent_microusd BIGINT NOT NULL CHECK (spent_microusd >= 0),
    PRIMARY KEY (scope, period)
);

-- What a job holds of each budget. The position within its job makes a second hold of the same job a conflict,
-- even when the day, and so the period, has changed in between.
CREATE TABLE holds (
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    owner TEXT NOT NULL CHECK (owner IN ('member', 'server')),
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd >= 0),
    state TEXT NOT NULL CHECK (state IN ('held', 'exposed', 'settled', 'released')),
    settled_microusd BIGINT CHECK (settled_microusd >= 0),
    held_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    PRIMARY KEY (job_id, position),
    CHECK ((state = 'settled') = (settled_microusd IS NOT NULL)),
    CHECK ((state IN ('settled', 'released')) = (ended_at IS NOT NULL))
);

-- Every change of a budget's row, never altered afterwards: the sums of the deltas are the rows.
CREATE TABLE entries (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('hold', 'settle', 'release', 'expose')),
    held_delta_microusd BIGINT NOT NULL,
    spent_delta_microusd BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL
);
