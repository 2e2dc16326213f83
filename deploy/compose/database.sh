#!/bin/sh
# Runs once, when the database is made: a role that owns the database of brygga and may do nothing else.
set -eu
password=$(cat "${BRYGGA_PASSWORD_FILE:-/run/secrets/postgres-brygga-password}")
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres --set=password="$password" <<'SQL'
CREATE ROLE brygga LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE DATABASE brygga OWNER brygga;
REVOKE ALL ON DATABASE brygga FROM PUBLIC;
SQL
