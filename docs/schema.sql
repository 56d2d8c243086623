-- The database's tables as SQLite has them after every step of bot/storage/schema. PostgreSQL has the same tables and
-- indexes; its triggers are functions in PL/pgSQL. Made by `make readme`; do not edit.
--
-- Amounts are integer micro-dollars, times are Unix seconds, flags are 0 or 1. Ids of people, servers, channels and
-- messages are Discord's; a negative member id is the pseudonym of somebody who had their data deleted.

-- An order that Discord shows as under way and that is neither accepted nor refused yet.
CREATE TABLE acknowledgements (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    application_id BIGINT NOT NULL,
    token TEXT NOT NULL,
    shows TEXT NOT NULL CHECK (shows IN ('thinking', 'placeholder')),
    at DOUBLE PRECISION NOT NULL
);

-- One administrative act, numbered within its server; `member_id` is whom it is about, if it is a member.
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
    member_id BIGINT,
    PRIMARY KEY (guild_id, id)
);
CREATE TRIGGER acts_keep BEFORE UPDATE ON acts BEGIN
SELECT RAISE(ABORT, 'acts are append-only') WHERE NOT EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.act = OLD.act
AND NEW.before = OLD.before AND NEW.after = OLD.after
AND (NEW.actor_id = OLD.actor_id OR (OLD.actor_id = CAST(r.name AS INTEGER)
AND NEW.actor_id = CAST(r.pseudonym AS INTEGER)))
AND ((NEW.subject = OLD.subject AND NEW.member_id IS OLD.member_id)
OR (OLD.subject = 'member:' || r.name AND NEW.subject = 'member:' || r.pseudonym
AND NEW.member_id = CAST(r.pseudonym AS INTEGER)))
AND (NEW.reason IN (OLD.reason, ''))); END;
CREATE TRIGGER acts_stay BEFORE DELETE ON acts BEGIN SELECT RAISE(ABORT, 'acts are append-only'); END;

-- What is wrong with fal, by what it is about; `told`: 0 not yet, 1 that it began, 2 that it is over.
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

-- A member's own price above which Wanda asks them first.
CREATE TABLE asks (
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    above_microusd BIGINT NOT NULL CHECK (above_microusd >= 0 AND above_microusd <= 1000000000000),
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, member_id)
);
CREATE INDEX asks_of_member ON asks (member_id);

-- What fal billed and refunded for a request at a moment; `is_open` until it was compared with the books.
CREATE TABLE bills (
    request_id TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    endpoint TEXT NOT NULL,
    nano_usd BIGINT NOT NULL CHECK (nano_usd >= 0 AND nano_usd <= 1000000000000000),
    is_open BIGINT NOT NULL,
    refunded_nano_usd BIGINT NOT NULL DEFAULT 0
        CHECK (refunded_nano_usd >= 0 AND refunded_nano_usd <= 1000000000000000),
    PRIMARY KEY (request_id, at)
);
CREATE INDEX bills_by_time ON bills (at);
CREATE INDEX bills_open ON bills (request_id) WHERE is_open = 1;

-- A rerun of another member's video: job `job_id` has copies of files of job `source_id`.
CREATE TABLE borrowings (job_id TEXT NOT NULL, source_id TEXT NOT NULL, PRIMARY KEY (job_id, source_id));
CREATE INDEX borrowings_by_source ON borrowings (source_id);

-- What the jobs counted from `starts_at` to before `ends_at` hold and have spent of one scope.
CREATE TABLE budgets (
    scope TEXT NOT NULL,
    ends_at DOUBLE PRECISION NOT NULL,
    starts_at DOUBLE PRECISION NOT NULL,
    held_microusd BIGINT NOT NULL CHECK (held_microusd >= 0),
    spent_microusd BIGINT NOT NULL CHECK (spent_microusd >= 0),
    PRIMARY KEY (scope, ends_at, starts_at)
);
CREATE TRIGGER budgets_bounded BEFORE UPDATE OF held_microusd ON budgets
WHEN NEW.held_microusd > OLD.held_microusd
AND (NEW.held_microusd > 1000000000000000000 OR NEW.spent_microusd > 1000000000000000000)
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;

-- An order that waits until several members pay for it together; `body` is all of it but its shares.
CREATE TABLE chip_ins (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    quote_microusd BIGINT NOT NULL CHECK (quote_microusd >= 0 AND quote_microusd <= 1000000000000),
    input_bytes BIGINT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    stale_at DOUBLE PRECISION,
    tries INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
);
CREATE INDEX chip_ins_by_end ON chip_ins (expires_at);
CREATE INDEX chip_ins_in_server ON chip_ins (guild_id, member_id);
CREATE INDEX chip_ins_stale ON chip_ins (stale_at) WHERE stale_at IS NOT NULL;

-- Which process took which part of a PostgreSQL database last: `all`, or a shard such as `3/16`.
CREATE TABLE claims (part TEXT PRIMARY KEY, owner TEXT NOT NULL, at DOUBLE PRECISION NOT NULL);

-- A change of what an ended job spent in one scope, because fal's bill says otherwise.
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
CREATE TRIGGER corrections_keep BEFORE UPDATE ON corrections BEGIN
SELECT RAISE(ABORT, 'corrections are append-only') WHERE NOT EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.job_id = OLD.job_id AND NEW.number = OLD.number
AND NEW.spent_delta_microusd = OLD.spent_delta_microusd AND NEW.counted_at = OLD.counted_at AND NEW.at = OLD.at
AND NEW.reason = OLD.reason AND (NEW.scope = OLD.scope OR (OLD.scope = 'member:' || OLD.guild_id || ':' || r.name
AND NEW.scope = 'member:' || OLD.guild_id || ':' || r.pseudonym))); END;
CREATE TRIGGER corrections_stay BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;

-- What was billed for a job above what it held, which no budget pays; `units` are fal's.
CREATE TABLE differences (
    job_id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    held_microusd BIGINT NOT NULL CHECK (held_microusd >= 0),
    billed_microusd BIGINT NOT NULL CHECK (billed_microusd > held_microusd AND billed_microusd <= 1000000000000),
    units TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX differences_by_time ON differences (at);

-- What one job draws on one scope, with or without a budget there. Position 0 is the server's pool.
CREATE TABLE draws (
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    scope TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side = 'member' OR side = 'server'),
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd >= 0),
    state TEXT NOT NULL CHECK (state = 'held' OR state = 'exposed' OR state = 'settled' OR state = 'released'),
    settled_microusd BIGINT CHECK (settled_microusd >= 0),
    counted_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    PRIMARY KEY (job_id, scope),
    CHECK ((state = 'settled') = (settled_microusd IS NOT NULL)),
    CHECK ((state = 'settled' OR state = 'released') = (ended_at IS NOT NULL))
);
CREATE TRIGGER draws_bounded BEFORE UPDATE OF amount_microusd, settled_microusd ON draws
WHEN (NEW.amount_microusd <> OLD.amount_microusd AND NEW.amount_microusd > 1000000000000)
OR (NEW.settled_microusd IS NOT OLD.settled_microusd
AND (NEW.settled_microusd > NEW.amount_microusd OR NEW.settled_microusd > 1000000000000))
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE TRIGGER draws_bounded_new BEFORE INSERT ON draws
WHEN NEW.amount_microusd > 1000000000000 OR NEW.settled_microusd > NEW.amount_microusd
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE INDEX draws_by_scope ON draws (scope, counted_at);
CREATE INDEX draws_of_member ON draws (member_id) WHERE position = 0;
CREATE INDEX draws_of_servers ON draws (counted_at) WHERE position = 0;

-- One movement of money in one scope; the deltas of a scope and window sum up to its row in `budgets`.
CREATE TABLE entries (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    job_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'hold' OR kind = 'settle' OR kind = 'release' OR kind = 'expose'),
    held_delta_microusd BIGINT NOT NULL,
    spent_delta_microusd BIGINT NOT NULL,
    counted_at DOUBLE PRECISION NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    declined_by BIGINT
);
CREATE TRIGGER entries_bounded BEFORE INSERT ON entries
WHEN NEW.held_delta_microusd > 1000000000000 OR NEW.spent_delta_microusd < 0
OR NEW.spent_delta_microusd > 1000000000000
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE INDEX entries_by_decliner ON entries (declined_by) WHERE declined_by IS NOT NULL;
CREATE INDEX entries_by_guild ON entries (guild_id, at);
CREATE INDEX entries_exposed ON entries (job_id) WHERE kind = 'expose';
CREATE TRIGGER entries_keep BEFORE UPDATE ON entries BEGIN
SELECT RAISE(ABORT, 'entries are append-only') WHERE NOT EXISTS (SELECT 1 FROM renaming r
WHERE NEW.guild_id = OLD.guild_id AND NEW.job_id = OLD.job_id AND NEW.kind = OLD.kind
AND NEW.held_delta_microusd = OLD.held_delta_microusd AND NEW.spent_delta_microusd = OLD.spent_delta_microusd
AND NEW.counted_at = OLD.counted_at AND NEW.at = OLD.at AND NEW.id = OLD.job_id || ':' || OLD.kind || ':' || NEW.scope
AND (NEW.scope = OLD.scope OR (OLD.scope = 'member:' || OLD.guild_id || ':' || r.name
AND NEW.scope = 'member:' || OLD.guild_id || ':' || r.pseudonym))
AND (NEW.actor = OLD.actor OR (OLD.actor = 'member:' || r.name AND NEW.actor = 'member:' || r.pseudonym))
AND (NEW.declined_by IS OLD.declined_by OR (OLD.declined_by = CAST(r.name AS INTEGER)
AND NEW.declined_by = CAST(r.pseudonym AS INTEGER)))
AND NEW.reason = OLD.reason); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;

-- Which job a request at fal was made for, and who pays for it if it was made in vain.
CREATE TABLE fal_requests (
    request_id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    guild_id BIGINT NOT NULL,
    policy TEXT NOT NULL CHECK (policy IN ('charge', 'absorb')),
    absorbed_daily_microusd BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
CREATE INDEX fal_requests_by_time ON fal_requests (at);
CREATE INDEX fal_requests_of_job ON fal_requests (job_id);

-- A film that its member is still writing; `body` is all of it as JSON.
CREATE TABLE film_drafts (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    input_bytes BIGINT NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX film_drafts_by_age ON film_drafts (updated_at);
CREATE INDEX film_drafts_in_guild ON film_drafts (guild_id);
CREATE INDEX film_drafts_of_member ON film_drafts (member_id, updated_at);

-- An ordered film; `body` is all of it as JSON, but for its shots' jobs.
CREATE TABLE films (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    is_open BIGINT NOT NULL,
    files_gone BIGINT NOT NULL DEFAULT 0,
    created_at DOUBLE PRECISION NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    body TEXT NOT NULL,
    state TEXT
);
CREATE INDEX films_by_message ON films (message_id);
CREATE INDEX films_in_guild ON films (guild_id);
CREATE INDEX films_of_member ON films (member_id, created_at);
CREATE INDEX films_open ON films (created_at) WHERE is_open = 1;
CREATE INDEX films_with_files ON films (created_at) WHERE is_open = 0 AND files_gone = 0;

-- A job that ended without a video: what the server paid of it, and whether its member waits for it.
CREATE TABLE fruitless (
    job_id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    absorbed_microusd BIGINT NOT NULL CHECK (absorbed_microusd >= 0 AND absorbed_microusd <= 1000000000000),
    slows BIGINT NOT NULL
);
CREATE INDEX fruitless_of_guild ON fruitless (guild_id, at);
CREATE INDEX fruitless_of_member ON fruitless (guild_id, member_id, at);

-- Money given to a member once, beside the allowance.
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
CREATE TRIGGER grants_bounded BEFORE UPDATE OF amount_microusd ON grants
WHEN NEW.amount_microusd <> OLD.amount_microusd AND NEW.amount_microusd > 1000000000000
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE TRIGGER grants_bounded_new BEFORE INSERT ON grants WHEN NEW.amount_microusd > 1000000000000
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE INDEX grants_by_member ON grants (guild_id, member_id);

-- A server that Wanda greeted, or is about to greet, when she joined it.
CREATE TABLE greetings (
    guild_id BIGINT PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    is_over INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX greetings_due ON greetings (at) WHERE is_over = 0;

-- One job. `body` is all of it as JSON; the other columns are what jobs are found and counted by.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    told BIGINT NOT NULL,
    similar_to TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    render_s DOUBLE PRECISION,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    parent_id TEXT,
    pressed TEXT,
    files_gone BIGINT NOT NULL DEFAULT 0,
    approved_by BIGINT,
    approve_by DOUBLE PRECISION,
    input_bytes BIGINT NOT NULL DEFAULT 0,
    late_at DOUBLE PRECISION,
    set_id TEXT
);
CREATE UNIQUE INDEX jobs_again_once ON jobs (parent_id, member_id, pressed) WHERE told = 0;
CREATE INDEX jobs_alike ON jobs (similar_to, created_at) WHERE render_s IS NOT NULL;
CREATE INDEX jobs_by_approver ON jobs (approved_by) WHERE approved_by IS NOT NULL;
CREATE INDEX jobs_by_member ON jobs (guild_id, member_id, created_at);
CREATE INDEX jobs_by_message ON jobs (message_id);
CREATE INDEX jobs_by_parent ON jobs (parent_id, created_at) WHERE parent_id IS NOT NULL;
CREATE INDEX jobs_late ON jobs (late_at) WHERE late_at IS NOT NULL;
CREATE INDEX jobs_of_member ON jobs (member_id, created_at);
CREATE INDEX jobs_of_set ON jobs (set_id) WHERE set_id IS NOT NULL;
CREATE INDEX jobs_open ON jobs (created_at) WHERE told = 0;
CREATE INDEX jobs_open_in_server ON jobs (guild_id) WHERE told = 0;
CREATE INDEX jobs_to_retry ON jobs (guild_id, created_at) WHERE files_gone = 0 AND input_bytes > 0 AND state IN ('failed', 'cancelled');
CREATE INDEX jobs_with_files ON jobs (created_at) WHERE told = 1 AND files_gone = 0;

-- A day, week or month that was running when the server's timezone changed, as it was before.
CREATE TABLE kept_windows (
    guild_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'day' OR kind = 'week' OR kind = 'month'),
    starts_at DOUBLE PRECISION NOT NULL,
    ends_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, kind)
);

-- A server whose data is deleted from `at` on, because Wanda was removed from it.
CREATE TABLE leaving (guild_id BIGINT PRIMARY KEY, at DOUBLE PRECISION NOT NULL);

-- A lock for one server's money and rules (`guild:<id>`), or for the operator's total cap (`all`).
CREATE TABLE locks (name TEXT PRIMARY KEY, taken BIGINT NOT NULL);

-- A member's latest request for more money, which an admin answers with a press.
CREATE TABLE money_requests (
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    id TEXT NOT NULL,
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd > 0 AND amount_microusd <= 1000000000000),
    channel_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    answered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (guild_id, member_id)
);
CREATE UNIQUE INDEX money_requests_id ON money_requests (id);
CREATE INDEX money_requests_of_member ON money_requests (member_id);

-- A ping about a job: due at `due_at`, or over; `pinged` says that it was posted.
CREATE TABLE notices (
    job_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('approval', 'ready', 'failed', 'declined', 'unapproved')),
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    is_announced INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at DOUBLE PRECISION,
    pinged INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, kind)
);
CREATE INDEX notices_due ON notices (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notices_in_server ON notices (guild_id, at);
CREATE INDEX notices_of_member ON notices (member_id);

-- Which of several drafts is made in full: `body` is it as JSON, `look_at` when it is looked at next.
CREATE TABLE picks (
    set_id TEXT PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    look_at DOUBLE PRECISION,
    body TEXT NOT NULL
);
CREATE INDEX picks_by_look ON picks (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX picks_of_member ON picks (member_id);
CREATE INDEX picks_of_server ON picks (guild_id);

-- What a member chose in a server with /settings; an empty text is what holds for everybody.
CREATE TABLE preferences (
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    pings TEXT NOT NULL CHECK (pings IN ('', 'channel', 'direct', 'never')),
    mode TEXT NOT NULL,
    resolution TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, member_id)
);
CREATE INDEX preferences_of_member ON preferences (member_id);

-- A mode's options under a name, of one member or (owner 0) of the whole server; `options` is JSON.
CREATE TABLE presets (
    guild_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    mode TEXT NOT NULL,
    options TEXT NOT NULL,
    shared BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (guild_id, owner_id, name_key)
);
CREATE INDEX presets_of_owner ON presets (owner_id);

-- What all processes know of the program: the synced commands' digest, that a bot ran, fal's prices.
CREATE TABLE program (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- An accepted prompt that is to be posted to its server's prompt log.
CREATE TABLE prompt_log (
    job_id TEXT NOT NULL PRIMARY KEY,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX prompt_log_of_member ON prompt_log (member_id);

-- The random key with which members' pseudonyms are computed; it never changes.
CREATE TABLE pseudonym_key (id BIGINT PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL);

-- What is still to be removed: a deleted job's id, for all of its files, or the name of one file.
CREATE TABLE removals (what TEXT PRIMARY KEY);

-- A member id and the pseudonym that replaces it. Rows exist only within the erasing transaction.
CREATE TABLE renaming (name TEXT PRIMARY KEY, pseudonym TEXT NOT NULL);

-- A hold for a job that does not exist yet; it is used by that job, or released after `expires_at`.
CREATE TABLE reservations (
    job_id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    guild_id BIGINT NOT NULL,
    member_id BIGINT NOT NULL,
    amount_microusd BIGINT NOT NULL CHECK (amount_microusd >= 0 AND amount_microusd <= 1000000000000),
    expires_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX reservations_by_end ON reservations (expires_at);
CREATE INDEX reservations_of_group ON reservations (group_id);
CREATE INDEX reservations_of_member ON reservations (member_id);

-- One rule about a server, role, channel or member; `value` is JSON.
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
CREATE TRIGGER rules_bounded BEFORE UPDATE OF value ON rules
WHEN (NEW.name GLOB 'budget:*' OR NEW.name GLOB 'allowance:*'
OR NEW.name IN ('ceiling', 'ask_above', 'raise', 'approval'))
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds')
WHERE json_type(NEW.value, CASE NEW.name WHEN 'raise' THEN '$.microusd' WHEN 'approval' THEN '$.above_microusd'
ELSE '$' END) IS NOT 'integer'
OR json_extract(NEW.value, CASE NEW.name WHEN 'raise' THEN '$.microusd' WHEN 'approval' THEN '$.above_microusd'
ELSE '$' END) NOT BETWEEN 0 AND 1000000000000; END;
CREATE TRIGGER rules_bounded_new BEFORE INSERT ON rules
WHEN (NEW.name GLOB 'budget:*' OR NEW.name GLOB 'allowance:*'
OR NEW.name IN ('ceiling', 'ask_above', 'raise', 'approval'))
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds')
WHERE json_type(NEW.value, CASE NEW.name WHEN 'raise' THEN '$.microusd' WHEN 'approval' THEN '$.above_microusd'
ELSE '$' END) IS NOT 'integer'
OR json_extract(NEW.value, CASE NEW.name WHEN 'raise' THEN '$.microusd' WHEN 'approval' THEN '$.above_microusd'
ELSE '$' END) NOT BETWEEN 0 AND 1000000000000; END;

-- One applied step of bot/storage/schema.
CREATE TABLE schema_version (version BIGINT PRIMARY KEY, applied_at DOUBLE PRECISION NOT NULL);

-- When a shard of each of Discord's buckets identified last, by PostgreSQL's clock.
CREATE TABLE session_starts (
    bucket BIGINT PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL
);

-- One of the holds of a job that several members pay for; together they hold `quote_microusd`.
CREATE TABLE shares (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    quote_microusd BIGINT NOT NULL CHECK (quote_microusd >= 0 AND quote_microusd <= 1000000000000)
);
CREATE INDEX shares_of_job ON shares (job_id);

-- A member's vote for a draft; deleted when the vote is counted.
CREATE TABLE votes (
    set_id TEXT NOT NULL,
    member_id BIGINT NOT NULL,
    guild_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (set_id, member_id)
);
CREATE INDEX votes_of_member ON votes (member_id);
CREATE INDEX votes_of_server ON votes (guild_id);

-- A threshold, in percent, that a server's pool reached in a window, and whether it was posted.
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
CREATE TRIGGER warnings_bounded BEFORE INSERT ON warnings
WHEN NEW.cap_microusd < 0 OR NEW.cap_microusd > 1000000000000
OR NEW.used_microusd < 0 OR NEW.used_microusd > 2000000000000000000
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE INDEX warnings_unposted ON warnings (at) WHERE posted = 0;
