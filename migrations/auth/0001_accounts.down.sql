DROP TABLE better_auth.mail_ledger;
DROP TABLE better_auth.jwks;
DROP TABLE better_auth.verification_tokens;
DROP TABLE better_auth.accounts;
DROP TABLE better_auth.sessions;
DROP TABLE better_auth.users;
