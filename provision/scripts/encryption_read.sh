# Reads the file of keys that the API server encrypts Secrets with, if there is one. $1 is its path, $2 how many bytes are
# read at most.
wait_unlocked # a run that was killed may be writing it
if [ -e "$1" ]; then
	answer content head -c "$2" -- "$1"
	answer mode stat -L -c '%a %U:%G' -- "$1"
fi
