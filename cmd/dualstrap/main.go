// Command dualstrap turns bare Linux hosts into a proven dual-stack Kubernetes cluster. See dualstrap --help.
package main

import (
	"os"

	"github.com/dualstrap/dualstrap/cmd"
)

func main() {
	os.Exit(cmd.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
