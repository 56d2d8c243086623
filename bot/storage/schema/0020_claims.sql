-- Which process took which part of the database last: "all", or a shard such as "3/16". The locks say who has it now;
-- this says whether somebody else had it while a lock's session was broken.
CREATE TABLE claims (part TEXT PRIMARY KEY, owner TEXT NOT NULL, at DOUBLE PRECISION NOT NULL);

-- What all processes know of the program, by name: `commands` is the digest of those that were synced last, and `begun`
-- says that a bot has logged in with this database.
CREATE TABLE program (name TEXT PRIMARY KEY, value TEXT NOT NULL);
