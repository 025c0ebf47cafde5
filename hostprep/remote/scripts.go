package remote

import _ "embed"

// The programs of this package for hosts. Each begins with what it takes and answers.
var (
	//go:embed scripts/change_lock.sh
	lockScript string
	//go:embed scripts/write.sh
	writeScript string
	//go:embed scripts/upload_look.sh
	lookScript string
	//go:embed scripts/upload.sh
	uploadScript string
)

// LockScript is what a script begins with that changes a host, and then calls lock_shared, or that looks at
// what may be changed, and then calls wait_unlocked: it waits until what earlier runs were doing has ended.
func LockScript() string { return lockScript }
