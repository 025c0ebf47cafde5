# Reads the file with the keys that the API server encrypts Secrets with: its "content" and its "mode" with the owner, or
# nothing if there is no such file.
# Arguments:
#   path: path of the file
#   limit: the maximum number of bytes to read
# shellcheck source=hostprep/remote/scripts/change_lock.sh
wait_unlocked # a script of a killed run may still be writing the file
if [ -e "$path" ]; then
	answer content head -c "$limit" -- "$path"
	answer mode stat -L -c '%a %U:%G' -- "$path"
fi
