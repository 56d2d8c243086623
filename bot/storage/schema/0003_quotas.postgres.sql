-- Entries and acts are append-only, in PostgreSQL's words; the function for entries is that of 0001.
CREATE TRIGGER entries_keep BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION entries_refuse();
CREATE TRIGGER entries_stay BEFORE TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION entries_refuse();
CREATE FUNCTION acts_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'acts are append-only'; END $$;
CREATE TRIGGER acts_keep BEFORE UPDATE OR DELETE ON acts FOR EACH ROW EXECUTE FUNCTION acts_refuse();
CREATE TRIGGER acts_stay BEFORE TRUNCATE ON acts FOR EACH STATEMENT EXECUTE FUNCTION acts_refuse();
