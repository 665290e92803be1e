#!/usr/bin/env bash
# Fails while a CHANGEME marker is left, e.g. CHANGEME_SECURE_DB_PASSWORD.
set -euo pipefail
cd "$(dirname "$0")/.."

marker="CHANGEME"
if grep -rnE --include='*.yaml' "${marker}|CHANGE_ME|CHANGE_TO" .; then
  echo "ERROR: replace every CHANGEME marker first (see README.md)" >&2
  exit 1
fi
echo "no CHANGEME marker left"
