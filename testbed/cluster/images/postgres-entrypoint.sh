#!/bin/sh
# What docker-entrypoint.sh of docker.io/library/postgres does for one that isn't root: makes the data folder where there
# is none, then the database, runs /docker-entrypoint-initdb.d against a server that nobody else can reach, and becomes
# the server. https://github.com/docker-library/postgres/blob/master/docker-entrypoint.sh
set -eu

[ $# -gt 0 ] || set -- postgres
if [ "${1#-}" != "$1" ]; then set -- postgres "$@"; fi
[ "$1" = postgres ] || exec "$@"

mkdir -p "$PGDATA"
# Each time: a pod's fsGroup opens the volume's folders to its group, and the server refuses such a data folder.
chmod 00700 "$PGDATA"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	export POSTGRES_USER="${POSTGRES_USER:-postgres}"
	export POSTGRES_DB="${POSTGRES_DB:-$POSTGRES_USER}"
	if [ -n "${POSTGRES_PASSWORD_FILE-}" ]; then POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE"); fi
	: "${POSTGRES_PASSWORD:?is not set, and a superuser without a password is refused}"
	(umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password)
	initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=trust \
		--encoding=UTF8 --locale=C ${POSTGRES_INITDB_ARGS-}
	rm /tmp/password
	printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
	# The official build has these compiled in.
	printf "listen_addresses = '*'\nunix_socket_directories = '/var/run/postgresql'\n" >>"$PGDATA/postgresql.conf"

	pg_ctl --wait -D "$PGDATA" -o "-c listen_addresses= -p 5432" start
	export PGHOST=/var/run/postgresql PGUSER="$POSTGRES_USER"
	[ "$POSTGRES_DB" = postgres ] || psql --dbname postgres --command "create database \"$POSTGRES_DB\""
	export PGDATABASE="$POSTGRES_DB"
	for file in /docker-entrypoint-initdb.d/*; do
		case $file in
		*.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
		*.sql) psql --set ON_ERROR_STOP=1 --no-psqlrc --file "$file" ;;
		esac
	done
	pg_ctl --wait -D "$PGDATA" -m fast stop
	unset PGHOST PGDATABASE
fi
exec "$@"
