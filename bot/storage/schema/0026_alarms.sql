-- What is wrong with fal, as the operator is told.
CREATE TABLE alarms (
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    what TEXT NOT NULL,
    text TEXT NOT NULL,
    closes INTEGER NOT NULL,
    since DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    told INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, mode)
);
