# Reads all zones and policies of firewalld.
IFS='
'
set -f
firewalld_read '*' '*'
