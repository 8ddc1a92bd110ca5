-- When the run began that a row of takeovers tells of, and the finished one before:
-- what was made before then and is not here any more was ended here, and stays so.
ALTER TABLE better_auth.takeovers
    ADD COLUMN began_at timestamptz,
    ADD COLUMN since    timestamptz;
