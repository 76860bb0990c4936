#!/bin/sh
set -eu
files="$ARKWRIGHT_WORKSPACE_FOLDER/files"
mkdir -p "$files"
# Written beside its place and renamed, so that no other run ever reads half a file.
cp "$ARKWRIGHT_PARAM_CSV" "$files/.seattle-weather.$ARKWRIGHT_INSTANCE_ID"
mv "$files/.seattle-weather.$ARKWRIGHT_INSTANCE_ID" "$files/seattle-weather.csv"
rows=$(($(wc -l < "$files/seattle-weather.csv") - 1))
echo "loaded $rows days from $ARKWRIGHT_PARAM_CSV" >&2
echo "$rows"
