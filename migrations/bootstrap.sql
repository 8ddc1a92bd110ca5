-- The schemas and roles of Codex. An administrator runs this once for each
-- database, as its superuser or as a role that may create roles and schemas;
-- running it again changes nothing.
--
-- Each service has two roles of its own. The one with the service's name reads
-- and writes rows and can change no table. The one that ends in _migrate owns
-- the schema and everything in it and is used by `<service> migrate up` alone.
-- Neither sees the schema of another service.
--
-- The roles have no password: set one (ALTER ROLE codex_auth PASSWORD '...') or
-- let the server know them otherwise before they can log in.

DO $bootstrap$
DECLARE
    service record;
    serve   text;
    owner   text;
BEGIN
    FOR service IN
        SELECT * FROM (VALUES ('auth', 'better_auth'), ('webhook', 'billing'), ('storage', 'storage')) AS s (name, schema)
    LOOP
        serve := 'codex_' || service.name;
        owner := serve || '_migrate';

        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = serve) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', serve);
        END IF;
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = owner) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', owner);
        END IF;

        -- An administrator who is no superuser acts for the owner below and must be a member of it.
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
           AND NOT pg_has_role(current_user, owner, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', owner);
        END IF;

        IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = service.schema) THEN
            EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', service.schema, owner);
        END IF;
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', service.schema);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service.schema, serve);

        -- What the owner makes from now on, the service may use: rows, not tables.
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I',
            owner, service.schema, serve);
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT USAGE, SELECT ON SEQUENCES TO %I',
            owner, service.schema, serve);

        -- A transaction pooler takes no settings from the program, so the role brings them.
        EXECUTE format('ALTER ROLE %I SET statement_timeout = ''10s''', serve);
        EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''30s''', serve);
        EXECUTE format('ALTER ROLE %I SET timezone = ''UTC''', serve);
    END LOOP;

    -- Nobody keeps tables in the schema that everybody can see.
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
END
$bootstrap$;
