-- Who approved or declined a job and whom an act is about are columns: a person is found by an equal number, never by a
-- search in text.
ALTER TABLE jobs ADD COLUMN approved_by BIGINT;
ALTER TABLE entries ADD COLUMN declined_by BIGINT;
ALTER TABLE acts ADD COLUMN member_id BIGINT;
CREATE INDEX jobs_by_approver ON jobs (approved_by) WHERE approved_by IS NOT NULL;
CREATE INDEX entries_by_decliner ON entries (declined_by) WHERE declined_by IS NOT NULL;
