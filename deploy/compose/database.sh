#!/bin/sh
# Runs once, when the database is made: a role that owns the database of brygga and may do nothing else.
set -eu
psql --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --set=password="$(cat /run/secrets/postgres-brygga-password)" <<'SQL'
CREATE ROLE brygga LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE DATABASE brygga OWNER brygga;
REVOKE ALL ON DATABASE brygga FROM PUBLIC;
SQL
