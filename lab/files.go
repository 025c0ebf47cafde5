package lab

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
)

// hostFile is a file that is specific to a host, and therefore not in the image.
type hostFile struct {
	path string // relative to the root directory
	// mode holds the permission bits. It matters for authorized_keys: sshd ignores the file if others can write to it.
	mode    fs.FileMode
	content string
}

// hostFiles returns the files that a host needs beyond the image. Addresses are static, as on bare metal, so they are
// present again after a reboot and after the link is attached again.
func hostFiles(host Host, authorizedKey []byte) []hostFile {
	return []hostFile{
		{"etc/systemd/network/10-eth0.network", 0o644, fmt.Sprintf(networkFile,
			host.IPv4, ipv4Length, host.IPv6, ipv6Length, ipv4Gateway, ipv6Gateway)},
		// Podman is told not to write /etc/hosts (--no-hosts), so the host's own name resolves to its addresses on the L2.
		{"etc/hosts", 0o644, fmt.Sprintf("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n%[1]s %[3]s\n%[2]s %[3]s\n",
			host.IPv4, host.IPv6, host.Name)},
		{"etc/systemd/system.conf.d/patience.conf", 0o644, patienceFile},
		// Nothing answers there, as on an isolated machine: names other than the host's own fail to resolve.
		{"etc/resolv.conf", 0o644, "nameserver " + ipv4Gateway + "\n"},
		{"root/.ssh/authorized_keys", 0o600, string(authorizedKey)},
	}
}

// patienceFile raises the start timeout of services, which fail otherwise when many hosts boot on a few busy CPUs.
const patienceFile = "[Manager]\nDefaultTimeoutStartSec=5min\n"

// networkFile configures eth0 with systemd-networkd.
const networkFile = `[Match]
Name=eth0

[Network]
Address=%s/%d
Address=%s/%d
Gateway=%s
Gateway=%s
`

// archive returns a tar archive of files, owned by root.
func archive(files []hostFile) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, file := range files {
		header := &tar.Header{Name: file.path, Mode: int64(file.mode), Size: int64(len(file.content))}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(file.content)); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
