#!/bin/sh
# Makes HQ's two roles in a new PostgreSQL: `hq_owner` owns the database and migrates it; `hq`, which
# the workers use, owns nothing, so that it can neither drop a trigger nor truncate a table. The image
# of PostgreSQL runs this once, when it makes the cluster. Passwords come from the URLs that HQ gets.
set -eu

password_in() {
    sed -E 's,^postgres://[^:]+:([^@]+)@.*$,\1,' "${SECRETS:-/run/secrets}/$1"
}

OWNER_PASSWORD=$(password_in database_owner_url)
HQ_PASSWORD=$(password_in database_url)
export OWNER_PASSWORD HQ_PASSWORD

psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'END'
\getenv owner_password OWNER_PASSWORD
\getenv hq_password HQ_PASSWORD
CREATE ROLE hq_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE hq LOGIN PASSWORD :'hq_password';
ALTER DATABASE :"DBNAME" OWNER TO hq_owner;
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO hq;
GRANT USAGE ON SCHEMA public TO hq;
ALTER DEFAULT PRIVILEGES FOR ROLE hq_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO hq;
ALTER DEFAULT PRIVILEGES FOR ROLE hq_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO hq;
END
