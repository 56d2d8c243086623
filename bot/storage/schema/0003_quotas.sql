-- Budgets by scope and absolute time, and the rules that they come from. What 0001 recorded is carried over.

-- What a job draws on: a row for every scope that it belongs to, whether or not a budget is set there today, so that a
-- budget set later finds what was spent before. counted_at is when the job was accepted: it decides the window for ever.
-- Position 0 is the server's pool; the operator's caps are sums of these, and have no rows of their own.
CREATE TABLE draws (
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    scope TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('member', 'server')),
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd >= 0),
    state TEXT NOT NULL CHECK (state IN ('held', 'exposed', 'settled', 'released')),
    settled_microusd BIGINT CHECK (settled_microusd >= 0),
    counted_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    PRIMARY KEY (job_id, scope),
    CHECK ((state = 'settled') = (settled_microusd IS NOT NULL)),
    CHECK ((state IN ('settled', 'released')) = (ended_at IS NOT NULL))
);

INSERT INTO draws (job_id, position, guild_id, member_id, scope, side, amount_microusd, state, settled_microusd,
    counted_at, ended_at)
SELECT h.job_id, CASE h.owner WHEN 'server' THEN 0 ELSE 2 END,
    CAST(COALESCE(substr(s.scope, 8), '0') AS BIGINT),
    CAST(COALESCE(substr(m.scope, 9 + length(substr(s.scope, 8))), '0') AS BIGINT),
    h.scope, h.owner, h.amount_microusd, h.state, h.settled_microusd, h.held_at, h.ended_at
FROM holds h
LEFT JOIN holds s ON s.job_id = h.job_id AND s.owner = 'server'
LEFT JOIN holds m ON m.job_id = h.job_id AND m.owner = 'member';

-- A channel's budget is new since then: what the server's pool carried was spent in the channel too.
INSERT INTO draws (job_id, position, guild_id, member_id, scope, side, amount_microusd, state, settled_microusd,
    counted_at, ended_at)
SELECT d.job_id, 1, d.guild_id, d.member_id, 'channel:' || d.guild_id || ':' || j.channel_id, d.side,
    d.amount_microusd, d.state, d.settled_microusd, d.counted_at, d.ended_at
FROM draws d JOIN jobs j ON j.id = d.job_id WHERE d.position = 0;

-- Every movement of money in one scope, never altered afterwards.
CREATE TABLE entries_of_draws (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    job_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('hold', 'settle', 'release', 'expose')),
    held_delta_microusd BIGINT NOT NULL,
    spent_delta_microusd BIGINT NOT NULL,
    counted_at DOUBLE PRECISION NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL
);
INSERT INTO entries_of_draws (id, guild_id, job_id, scope, kind, held_delta_microusd, spent_delta_microusd, counted_at,
    at, actor, reason)
SELECT e.job_id || ':' || e.kind || ':' || d.scope, d.guild_id, e.job_id, d.scope, e.kind, e.held_delta_microusd,
    e.spent_delta_microusd, d.counted_at, e.at, e.actor, e.reason
FROM entries e JOIN draws d ON d.job_id = e.job_id
AND (d.scope = e.scope OR (e.scope LIKE 'server:%' AND d.position = 1));

-- An engine's triggers go with their table.
DROP TABLE entries;
ALTER TABLE entries_of_draws RENAME TO entries;
DROP TABLE holds;
DROP TABLE budgets;
CREATE INDEX draws_by_scope ON draws (scope, counted_at);
CREATE INDEX draws_of_servers ON draws (counted_at) WHERE position = 0;
CREATE INDEX entries_by_guild ON entries (guild_id, at);

-- The sum over a scope's draws with starts_at <= counted_at < ends_at, made when a job is first held against it and
-- kept up from then on. Rows of a scope may overlap. The end stands first in the key: the past is long, and unused.
CREATE TABLE budgets (
    scope TEXT NOT NULL,
    ends_at DOUBLE PRECISION NOT NULL,
    starts_at DOUBLE PRECISION NOT NULL,
    held_microusd BIGINT NOT NULL CHECK (held_microusd >= 0),
    spent_microusd BIGINT NOT NULL CHECK (spent_microusd >= 0),
    PRIMARY KEY (scope, ends_at, starts_at)
);

-- Whoever changes a server's money or rules takes its row first: `guild:<id>`, and `all` before it for a cap over all.
CREATE TABLE locks (name TEXT PRIMARY KEY, taken BIGINT NOT NULL);
INSERT INTO locks (name, taken) SELECT DISTINCT 'guild:' || guild_id, 0 FROM draws;

CREATE TABLE rules (
    guild_id BIGINT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at DOUBLE PRECISION,
    reason TEXT NOT NULL,
    actor_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, subject, name)
);

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd >= 0),
    expires_at DOUBLE PRECISION,
    reason TEXT NOT NULL,
    actor_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX grants_by_member ON grants (guild_id, member_id);

-- Every administrative act, numbered within its server, never altered afterwards.
CREATE TABLE acts (
    guild_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    actor_id BIGINT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (guild_id, id)
);

-- A pool's thresholds that were reached, each once in its window.
CREATE TABLE warnings (
    scope TEXT NOT NULL,
    starts_at DOUBLE PRECISION NOT NULL,
    ends_at DOUBLE PRECISION NOT NULL,
    threshold BIGINT NOT NULL,
    guild_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    used_microusd BIGINT NOT NULL,
    cap_microusd BIGINT NOT NULL,
    posted BIGINT NOT NULL,
    PRIMARY KEY (scope, starts_at, ends_at, threshold)
);
CREATE INDEX warnings_unposted ON warnings (at) WHERE posted = 0;
