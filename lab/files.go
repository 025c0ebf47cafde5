package lab

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
)

// hostFile is a file that makes one host differ from another.
type hostFile struct {
	path    string
	mode    fs.FileMode
	content string
}

// hostFiles gives what a host has beyond the image. Addresses are static, as on bare metal: they come
// back after a reboot and when the cable is plugged in again.
func hostFiles(host Host, authorizedKey []byte) []hostFile {
	return []hostFile{
		{"etc/systemd/network/10-eth0.network", 0o644, fmt.Sprintf(networkFile,
			host.IPv4, ipv4Length, host.IPv6, ipv6Length, ipv4Gateway, ipv6Gateway)},
		{"etc/hosts", 0o644, fmt.Sprintf("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n%[1]s %[3]s\n%[2]s %[3]s\n",
			host.IPv4, host.IPv6, host.Name)},
		{"etc/systemd/system.conf.d/patience.conf", 0o644, patienceFile},
		{"etc/resolv.conf", 0o644, "nameserver " + ipv4Gateway + "\n"},
		{"root/.ssh/authorized_keys", 0o600, string(authorizedKey)},
	}
}

// patienceFile keeps services from failing where many hosts boot on few and busy processors.
const patienceFile = "[Manager]\nDefaultTimeoutStartSec=5min\n"

const networkFile = `[Match]
Name=eth0

[Network]
Address=%s/%d
Address=%s/%d
Gateway=%s
Gateway=%s
`

// archive makes a tar of files, owned by root.
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
