-- What is still to be removed of what was deleted: the id of a job, for all of its files, or the name of one file.
CREATE TABLE removals (what TEXT PRIMARY KEY);
