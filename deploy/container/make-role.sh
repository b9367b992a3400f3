#!/bin/sh
# Run once by the database's container: a role with rights on its own database only, as `kefu db create` makes it.
set -eu
psql --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 --set=password="$CHATAPP_PASSWORD" <<'SQL'
create role chatapp login nosuperuser nocreatedb nocreaterole noreplication password :'password';
create database kefu owner chatapp;
revoke all on database kefu, postgres, template1 from public;
SQL
