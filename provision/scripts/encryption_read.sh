# Reads the file with the keys that the API server encrypts Secrets with: its "content" and its "mode" with the owner, or
# nothing if there is no such file. $1 is its path, $2 the maximum number of bytes to read.
wait_unlocked # a script of a killed run may still be writing the file
if [ -e "$1" ]; then
	answer content head -c "$2" -- "$1"
	answer mode stat -L -c '%a %U:%G' -- "$1"
fi
