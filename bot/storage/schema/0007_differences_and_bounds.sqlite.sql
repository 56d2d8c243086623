-- Every amount that is written from now on is at most $1,000,000, and no draw spends more than it held. These are
-- triggers and not checks of the tables: what older versions wrote stays as it is, because that is what was spent, and
-- can still end and lose its names.
CREATE TRIGGER draws_bounded_new BEFORE INSERT ON draws
WHEN NEW.amount_microusd > 1000000000000 OR NEW.settled_microusd > NEW.amount_microusd
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE TRIGGER draws_bounded BEFORE UPDATE OF amount_microusd, settled_microusd ON draws
WHEN (NEW.amount_microusd <> OLD.amount_microusd AND NEW.amount_microusd > 1000000000000)
OR (NEW.settled_microusd IS NOT OLD.settled_microusd
AND (NEW.settled_microusd > NEW.amount_microusd OR NEW.settled_microusd > 1000000000000))
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE TRIGGER entries_bounded BEFORE INSERT ON entries
WHEN NEW.held_delta_microusd > 1000000000000 OR NEW.spent_delta_microusd < 0
OR NEW.spent_delta_microusd > 1000000000000
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;

-- A settlement never raises what a budget holds and has spent together, so it is the holds that keep the sums far below
-- 64 bits.
CREATE TRIGGER budgets_bounded BEFORE UPDATE OF held_microusd ON budgets
WHEN NEW.held_microusd > OLD.held_microusd
AND (NEW.held_microusd > 1000000000000000000 OR NEW.spent_microusd > 1000000000000000000)
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;

CREATE TRIGGER grants_bounded_new BEFORE INSERT ON grants WHEN NEW.amount_microusd > 1000000000000
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;
CREATE TRIGGER grants_bounded BEFORE UPDATE OF amount_microusd ON grants
WHEN NEW.amount_microusd <> OLD.amount_microusd AND NEW.amount_microusd > 1000000000000
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;

CREATE TRIGGER warnings_bounded BEFORE INSERT ON warnings
WHEN NEW.cap_microusd < 0 OR NEW.cap_microusd > 1000000000000
OR NEW.used_microusd < 0 OR NEW.used_microusd > 2000000000000000000
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds'); END;

-- An amount of a rule is the JSON value itself, or one member of it.
CREATE TRIGGER rules_bounded_new BEFORE INSERT ON rules
WHEN (NEW.name GLOB 'budget:*' OR NEW.name GLOB 'allowance:*'
OR NEW.name IN ('ceiling', 'ask_above', 'raise', 'approval'))
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds')
WHERE json_type(NEW.value, CASE NEW.name WHEN 'raise' THEN '$.microusd' WHEN 'approval' THEN '$.above_microusd'
ELSE '$' END) IS NOT 'integer'
OR json_extract(NEW.value, CASE NEW.name WHEN 'raise' THEN '$.microusd' WHEN 'approval' THEN '$.above_microusd'
ELSE '$' END) NOT BETWEEN 0 AND 1000000000000; END;
CREATE TRIGGER rules_bounded BEFORE UPDATE OF value ON rules
WHEN (NEW.name GLOB 'budget:*' OR NEW.name GLOB 'allowance:*'
OR NEW.name IN ('ceiling', 'ask_above', 'raise', 'approval'))
BEGIN SELECT RAISE(ABORT, 'an amount is out of bounds')
WHERE json_type(NEW.value, CASE NEW.name WHEN 'raise' THEN '$.microusd' WHEN 'approval' THEN '$.above_microusd'
ELSE '$' END) IS NOT 'integer'
OR json_extract(NEW.value, CASE NEW.name WHEN 'raise' THEN '$.microusd' WHEN 'approval' THEN '$.above_microusd'
ELSE '$' END) NOT BETWEEN 0 AND 1000000000000; END;
