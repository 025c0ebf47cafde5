# Reads all zones and policies of firewalld.
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
# shellcheck source=hostprep/change/scripts/firewalld_read.sh
IFS='
'
set -f
firewalld_read '*' '*'
