# The directory in which the host keeps its record, and whatever else has to be remembered between runs.
state=/var/lib/dualstrap
