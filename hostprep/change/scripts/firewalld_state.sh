# Looks at all that firewalld has.
IFS='
'
set -f
firewalld_read '*' '*'
