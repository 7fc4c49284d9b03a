# Usage: version.sh VERSION-FILE
printf '#define VERSION "%s"\n' "$(cat "$1")"
