ALTER TABLE better_auth.takeovers DROP COLUMN began_at, DROP COLUMN since;
