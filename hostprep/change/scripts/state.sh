# The directory in which the host keeps its record, and whatever else has to be remembered between runs.
# shellcheck disable=SC2034 # for the scripts behind it
state=/var/lib/dualstrap
