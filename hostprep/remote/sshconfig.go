package remote

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/kevinburke/ssh_config"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

// sshConfig is the user's SSH configuration file.
type sshConfig struct {
	path   string
	parsed *ssh_config.Config
	// skipped are the lines of Match blocks that are passed over.
	skipped []int
}

// maxConfig is more than any configuration has.
const maxConfig = 8 << 20

// loadSSHConfig reads the file, if there is to be one.
func loadSSHConfig(path string) (sshConfig, error) {
	if path == None {
		return sshConfig{parsed: &ssh_config.Config{}}, nil
	}
	data, err := localfile.Read(path, maxConfig)
	if err != nil {
		return sshConfig{}, fmt.Errorf("cannot read the SSH configuration: %w", err)
	}
	return parseSSHConfig(path, data)
}

// parseSSHConfig passes over Match blocks whose conditions cannot be judged here, as exec and final:
// one of them, often about other hosts, shall not make the whole file useless.
func parseSSHConfig(path string, data []byte) (sshConfig, error) {
	config := sshConfig{path: path}
	lines := bytes.Split(data, []byte("\n"))
	match := regexp.MustCompile(`(?i)^\s*match[\s=]+(.*)$`)
	judged := regexp.MustCompile(`(?i)^(all|host\s+[^\s]+)\s*$`)
	for i, line := range lines {
		condition := match.FindSubmatch(line)
		if condition != nil && !judged.Match(condition[1]) {
			lines[i] = []byte("Host !*")
			config.skipped = append(config.skipped, i+1)
		}
	}
	parsed, err := ssh_config.DecodeBytes(bytes.Join(lines, []byte("\n")))
	if err != nil {
		return config, fmt.Errorf("cannot read the SSH configuration %s: %w", path, err)
	}
	config.parsed = parsed
	return config, nil
}

// get gives the first value of a keyword for a host; "" when there is none.
func (c sshConfig) get(alias, keyword string) (string, error) {
	value, err := c.parsed.Get(alias, keyword)
	if err != nil {
		return "", fmt.Errorf("cannot read %s of %s in %s: %w", keyword, alias, c.path, err)
	}
	return strings.TrimSpace(value), nil
}

// all gives every value of a keyword that may be given several times.
func (c sshConfig) all(alias, keyword string) ([]string, error) {
	values, err := c.parsed.GetAll(alias, keyword)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s of %s in %s: %w", keyword, alias, c.path, err)
	}
	return values, nil
}
