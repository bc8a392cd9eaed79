# PostgreSQL on its unix socket and, for other hosts, on the private address; with one database and one user: the site's.
# shellcheck shell=bash
: "${files:?}" "${database_name:?}" "${private_address=}"

cluster=$(pg_lsclusters --no-header | awk '$2 == "main" { print $1 }' | sort --version-sort | tail -n 1)
[ -n "$cluster" ] || fail "PostgreSQL has no cluster named main; see: pg_lsclusters"
postgres=postgresql@$cluster-main.service
configuration=/etc/postgresql/$cluster/main

if [ -n "$private_address" ]; then after_private_address postgresql@.service; fi
ensure_directory "$configuration/conf.d" 0755 postgres:postgres
install_file "$files/postgresql.conf" "$configuration/conf.d/seatrial.conf" 0644 postgres:postgres "$postgres:restart"
install_file "$files/pg_hba.conf" "$configuration/pg_hba.conf" 0640 postgres:postgres "$postgres:reload"
if ! systemctl --quiet is-active "$postgres"; then systemctl daemon-reload; fi # a new cluster is a new unit
settle "$postgres"
settle postgresql.service # which starts every cluster at boot

sql() {
    runuser -u postgres -- psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1
}

# The password itself never comes here, only what the server stores of it.
verifier=$(secret database_verifier)
stored=$(sql <<<"SELECT coalesce(rolpassword, 'none') FROM pg_authid WHERE rolname = '$database_name'")
if [ -z "$stored" ]; then
    printf "CREATE ROLE \"%s\" LOGIN PASSWORD '%s';\n" "$database_name" "$verifier" | sql
    changed "database user $database_name"
elif [ "$stored" != "$verifier" ]; then
    printf "ALTER ROLE \"%s\" LOGIN PASSWORD '%s';\n" "$database_name" "$verifier" | sql
    changed "database password"
fi
if [ -z "$(sql <<<"SELECT 1 FROM pg_database WHERE datname = '$database_name'")" ]; then
    sql <<<"CREATE DATABASE \"$database_name\" OWNER \"$database_name\" ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0;"
    changed "database $database_name"
fi
