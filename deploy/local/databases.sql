-- The two databases and one role per service. A service owns its schema in its database and has no right anywhere else:
-- not on another service's schema, not on public, not on the database itself.
-- Run by psql as superuser; passwords come from the files of the directory $TOKENWATCH_SECRETS.
\set detector_password `cat "$TOKENWATCH_SECRETS/detector.password"`
\set resolver_password `cat "$TOKENWATCH_SECRETS/resolver.password"`
\set pricing_password `cat "$TOKENWATCH_SECRETS/pricing.password"`

DROP DATABASE IF EXISTS platform WITH (FORCE);
DROP DATABASE IF EXISTS users WITH (FORCE);
DROP ROLE IF EXISTS detector;
DROP ROLE IF EXISTS resolver;
DROP ROLE IF EXISTS pricing;

CREATE ROLE detector LOGIN PASSWORD :'detector_password';
CREATE ROLE resolver LOGIN PASSWORD :'resolver_password';
CREATE ROLE pricing LOGIN PASSWORD :'pricing_password';

CREATE DATABASE platform;
CREATE DATABASE users;
REVOKE ALL ON DATABASE platform, users, postgres, template1 FROM PUBLIC;

-- TEMPORARY: bulk loads go through a temporary table.
GRANT CONNECT, TEMPORARY ON DATABASE platform TO detector, resolver, pricing;

\connect users
REVOKE ALL ON SCHEMA public FROM PUBLIC;

\connect platform
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA detector AUTHORIZATION detector;
CREATE SCHEMA resolver AUTHORIZATION resolver;
CREATE SCHEMA pricing AUTHORIZATION pricing;
ALTER ROLE detector IN DATABASE platform SET search_path = detector;
ALTER ROLE resolver IN DATABASE platform SET search_path = resolver;
ALTER ROLE pricing IN DATABASE platform SET search_path = pricing;
