# Sends a file.
# Arguments:
#   path: path of the file
#   limit: maximum size of the file in bytes
# Answers: missing if there is no such file; else its size, and if that is within the limit, its digest and its content.
if [ ! -e "$path" ]; then
	answer missing :
	exit
fi
# Reading a FIFO would wait for a writer, and a device may never end.
if [ ! -f "$path" ]; then
	echo "$path is not a regular file"
	exit 1
fi
size=$(stat -L -c %s -- "$path")
answer size echo "$size"
if [ "$size" -gt "$limit" ]; then exit; fi

# The file is read twice. Content that has the digest of the first reading is that of the file at one time, and one byte more
# than the size shows that the file has grown.
content() { head -c "$((size + 1))" -- "$path"; }
patience=$((60 + size / 10000000)) # a slow disk
if [ "$patience" -gt 65535 ]; then patience=65535; fi
progress "$patience"
digest=$(content | sha256sum | cut -d ' ' -f 1)
answer digest echo "$digest"
progress
answer content content
