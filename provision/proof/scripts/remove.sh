# Removes a directory with everything in it.
# Arguments:
#   dir: path of the directory
rm -rf -- "$dir"
