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

// dialBare is the program ssh-bare: it dials all hosts of a fleet's directory, so many at once, and has each run true.
// With further arguments each host has a session for every one of them instead: SENT:RECEIVED, in bytes.
func dialBare() {
	talk := runTrue
	if sizes := os.Args[3:]; len(sizes) > 0 {
		talk = func(client *ssh.Client) error { return exchange(client, sizes) }
	}
	if err := dialAll(os.Args[1], os.Args[2], talk); err != nil {
		log.Fatal(err)
	}
}

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
			defer client.Close() //nolint:errcheck // it is over
			return talk(client)
		})
	}
	return hosts.Wait()
}

func runTrue(client *ssh.Client) error {
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	return session.Run("true")
}

// exchange sends as many bytes as the sizes say and takes as many, each in a session of its own.
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
			return fmt.Errorf("a host gives %d bytes, not %d: %w", len(output), received, err)
		}
	}
	return nil
}
