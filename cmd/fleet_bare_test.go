package cmd_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// dialBare is the program ssh-bare: it dials all hosts of a fleet's folder, so many at once, and has each run true.
func dialBare() {
	if err := dialAll(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func dialAll(dir, concurrency string) error {
	atOnce, err := strconv.Atoi(concurrency)
	if err != nil {
		return err
	}
	members, err := readMembers(dir)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(dir, remotetest.LoginKey))
	if err != nil {
		return err
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		return err
	}
	known, err := knownhosts.NewDB(filepath.Join(dir, remotetest.KnownHosts))
	if err != nil {
		return err
	}
	config := &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: known.HostKeyCallback(), HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	}
	var hosts errgroup.Group
	hosts.SetLimit(atOnce)
	for _, member := range members {
		hosts.Go(func() error { return runTrue(member, config) })
	}
	return hosts.Wait()
}

func runTrue(member remotetest.Member, config *ssh.ClientConfig) error {
	client, err := ssh.Dial("tcp", member.Address.String(), config)
	if err != nil {
		return fmt.Errorf("%s: %w", member.Address, err)
	}
	defer client.Close() //nolint:errcheck // it is over
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	return session.Run("true")
}
