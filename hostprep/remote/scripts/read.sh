# Reads a file.
# Arguments:
#   path: path of the file
# Answers: content, or missing if there is no such file.
if [ -e "$path" ]; then answer content cat -- "$path"; else answer missing :; fi
