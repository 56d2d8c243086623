-- In what state a film is, for figures and notices; NULL of one that was stored before.
ALTER TABLE films ADD COLUMN state TEXT;
