package remote

import _ "embed"

// Scripts that run on hosts. Each begins with a comment on its arguments, input and answers.
var (
	//go:embed scripts/change_lock.sh
	lockScript string
	//go:embed scripts/read.sh
	readScript string
	//go:embed scripts/write.sh
	writeScript string
	//go:embed scripts/upload_look.sh
	lookScript string
	//go:embed scripts/upload.sh
	uploadScript string
	//go:embed scripts/download.sh
	downloadScript string
)

// LockScript returns the beginning of a script that calls lock_shared before it changes a host, or wait_unlocked before it
// reads what a run may be changing. wait_unlocked waits until the scripts of earlier runs have ended.
func LockScript() string { return lockScript }
