package remote

import _ "embed"

// The programs of this package for hosts. Each begins with what it takes and answers.
var (
	//go:embed scripts/write.sh
	writeScript string
	//go:embed scripts/upload_look.sh
	lookScript string
	//go:embed scripts/upload.sh
	uploadScript string
)
