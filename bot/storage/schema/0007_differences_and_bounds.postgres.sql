-- The same bounds as in SQLite, where they are explained. A statement ends with its line.
CREATE FUNCTION amounts_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'an amount is out of bounds'; END $$;
CREATE TRIGGER draws_bounded_new BEFORE INSERT ON draws FOR EACH ROW
WHEN (NEW.amount_microusd > 1000000000000 OR NEW.settled_microusd > NEW.amount_microusd)
EXECUTE FUNCTION amounts_refuse();
CREATE TRIGGER draws_bounded BEFORE UPDATE OF amount_microusd, settled_microusd ON draws FOR EACH ROW
WHEN ((NEW.amount_microusd <> OLD.amount_microusd AND NEW.amount_microusd > 1000000000000)
OR (NEW.settled_microusd IS DISTINCT FROM OLD.settled_microusd
AND (NEW.settled_microusd > NEW.amount_microusd OR NEW.settled_microusd > 1000000000000)))
EXECUTE FUNCTION amounts_refuse();
CREATE TRIGGER entries_bounded BEFORE INSERT ON entries FOR EACH ROW
WHEN (NEW.held_delta_microusd > 1000000000000 OR NEW.spent_delta_microusd < 0
OR NEW.spent_delta_microusd > 1000000000000)
EXECUTE FUNCTION amounts_refuse();
CREATE TRIGGER budgets_bounded BEFORE UPDATE OF held_microusd ON budgets FOR EACH ROW
WHEN (NEW.held_microusd > OLD.held_microusd
AND (NEW.held_microusd > 1000000000000000000 OR NEW.spent_microusd > 1000000000000000000))
EXECUTE FUNCTION amounts_refuse();
CREATE TRIGGER grants_bounded_new BEFORE INSERT ON grants FOR EACH ROW
WHEN (NEW.amount_microusd > 1000000000000)
EXECUTE FUNCTION amounts_refuse();
CREATE TRIGGER grants_bounded BEFORE UPDATE OF amount_microusd ON grants FOR EACH ROW
WHEN (NEW.amount_microusd <> OLD.amount_microusd AND NEW.amount_microusd > 1000000000000)
EXECUTE FUNCTION amounts_refuse();
CREATE TRIGGER warnings_bounded BEFORE INSERT ON warnings FOR EACH ROW
WHEN (NEW.cap_microusd < 0 OR NEW.cap_microusd > 1000000000000
OR NEW.used_microusd < 0 OR NEW.used_microusd > 2000000000000000000)
EXECUTE FUNCTION amounts_refuse();
CREATE FUNCTION rules_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ DECLARE amount TEXT := CASE NEW.name WHEN 'raise' THEN CAST(NEW.value AS jsonb) ->> 'microusd'
WHEN 'approval' THEN CAST(NEW.value AS jsonb) ->> 'above_microusd' ELSE NEW.value END; BEGIN
IF amount ~ '^[0-9]{1,13}$' THEN IF CAST(amount AS BIGINT) <= 1000000000000 THEN RETURN NEW; END IF; END IF; -- allowed
RAISE EXCEPTION 'an amount is out of bounds'; END $$;
CREATE TRIGGER rules_bounded BEFORE INSERT OR UPDATE OF value ON rules FOR EACH ROW
WHEN (NEW.name LIKE 'budget:%' OR NEW.name LIKE 'allowance:%'
OR NEW.name IN ('ceiling', 'ask_above', 'raise', 'approval'))
EXECUTE FUNCTION rules_refuse();
