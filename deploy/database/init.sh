#!/usr/bin/env bash
# At the first start of the database, create a role for the site. It owns its database but is not a superuser.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set role="$SITE_ROLE" --set database="$POSTGRES_DB" --set file="$SITE_PASSWORD_FILE" <<'SQL'
\set password `cat :file`
CREATE ROLE :"role" LOGIN PASSWORD :'password';
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
ALTER DATABASE :"database" OWNER TO :"role";
-- A first import into empty tables checks all references at once, not row by row.
GRANT SET ON PARAMETER session_replication_role TO :"role";
-- Keep the site's statements, parameters and rows out of the server's log: they contain data.
ALTER ROLE :"role" SET log_statement = 'none';
ALTER ROLE :"role" SET log_min_duration_statement = -1;
ALTER ROLE :"role" SET log_min_error_statement = 'panic';
ALTER ROLE :"role" SET log_parameter_max_length = 0;
ALTER ROLE :"role" SET log_parameter_max_length_on_error = 0;
ALTER ROLE :"role" SET log_error_verbosity = 'terse';
SQL
