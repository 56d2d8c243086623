-- Every job has one draw at position 0: one row of it says whose the job is.
DROP INDEX draws_of_member;
CREATE INDEX draws_of_member ON draws (member_id) WHERE position = 0;
