package cmd_test

import (
	"bytes"
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

// dialBare is the program ssh-bare DIR CONCURRENCY [SENT:RECEIVED...], the baseline for benchmarks of connections. It
// dials all hosts of a fleet's directory and runs true on each. With further arguments it instead opens a session for each
// of them, which sends and receives as many bytes.
func dialBare() {
	talk := runTrue
	if sizes := os.Args[3:]; len(sizes) > 0 {
		talk = func(client *ssh.Client) error { return exchange(client, sizes) }
	}
	if err := dialAll(os.Args[1], os.Args[2], talk); err != nil {
		log.Fatal(err)
	}
}

// dialAll dials all hosts of a directory, concurrency of them at a time, and calls talk with each connection.
func dialAll(dir, concurrency string, talk func(*ssh.Client) error) error {
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
		hosts.Go(func() error {
			client, err := ssh.Dial("tcp", member.Address.String(), config)
			if err != nil {
				return fmt.Errorf("%s: %w", member.Address, err)
			}
			defer client.Close()
			return talk(client)
		})
	}
	return hosts.Wait()
}

// runTrue runs true on a host, which has no output.
func runTrue(client *ssh.Client) error {
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	return session.Run("true")
}

// exchange opens a session for each of the sizes, SENT:RECEIVED, in which it sends and receives as many bytes.
func exchange(client *ssh.Client, sizes []string) error {
	for _, each := range sizes {
		var sent, received int
		if _, err := fmt.Sscanf(each, "%d:%d", &sent, &received); err != nil {
			return err
		}
		session, err := client.NewSession()
		if err != nil {
			return err
		}
		session.Stdin = bytes.NewReader(make([]byte, sent))
		output, err := session.Output(fmt.Sprintf("head -c %d /dev/zero", received))
		if err != nil || len(output) != received {
			return fmt.Errorf("a host sends %d bytes, not %d: %w", len(output), received, err)
		}
	}
	return nil
}
