package api

import (
	"regexp"
	"strconv"
	"strings"

	v1 "github.com/dualstrap/dualstrap/api/v1"
)

// sshRules returns the rules about SSH connections, which several documents configure.
func sshRules() []rule {
	return []rule{
		ofCluster("login-user", fromDualstrap, "nodeAccess.loginUser is a user name", checkLoginUser),
		ofOptions("ssh-user", fromDualstrap, "ssh.user is a user name", checkSSHUser),
		ofOptions("ssh-port", fromNetwork, "ssh.port is 1 to 65535", checkSSHPort),
		ofOptions("ssh-host-key-policy", fromDualstrap, "ssh.hostKeyPolicy is strict or accept-new", checkHostKeyPolicy),
		ofOptions("ssh-proxy-jump", fromDualstrap, "ssh.proxyJump is [user@]host[:port]", checkProxyJump),
		ofOptions("ssh-overrides", fromDualstrap, "ssh options of ProvisionOptions win over those of the other documents", checkSSHOverrides),
	}
}

const hintUser = "use letters, digits, dots, dashes and underscores, 32 at most, with a letter or underscore at the beginning"

// isUser reports whether a text has the form of the names that useradd and adduser create, with capitals allowed.
func isUser(s string) bool {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]{0,31}$`).MatchString(s)
}

// checkLoginUser validates the user, because the name becomes an argument of ssh, where a leading dash makes it an
// option.
func checkLoginUser(c *checker, spec *v1.ClusterSpec) {
	if user := spec.NodeAccess.LoginUser; user != "" && !isUser(user) {
		c.errorf(c.at("spec.nodeAccess.loginUser"), hintUser, "the value is not a user name")
	}
}

// checkSSHUser is checkLoginUser for ProvisionOptions, which can name a user too.
func checkSSHUser(c *checker, o *Object[ProvisionOptions]) {
	if user := o.Value.SSH.User; user != "" && !isUser(user) {
		c.errorf(o.At("ssh.user"), hintUser, "the value is not a user name")
	}
}

// checkSSHPort accepts 0, which stands for a missing port.
func checkSSHPort(c *checker, o *Object[ProvisionOptions]) {
	at := o.At("ssh.port")
	if port := o.Value.SSH.Port; port < 0 || port > 65535 {
		c.errorf(at, "leave the field out for the port of your SSH configuration", "%d is not a port: those are 1 to 65535", port)
	}
}

// checkHostKeyPolicy validates the policy. None of them disables the check of host keys.
func checkHostKeyPolicy(c *checker, o *Object[ProvisionOptions]) {
	if p := o.Value.SSH.HostKeyPolicy; p != "" && p != "strict" && p != "accept-new" {
		c.errorf(o.At("ssh.hostKeyPolicy"),
			"strict, the default, connects only to hosts whose keys are in knownHostsPath; accept-new adds unknown ones",
			"the policy is not one of strict and accept-new")
	}
}

// checkProxyJump validates the jump host. It never repeats the value, because people write passwords there.
func checkProxyJump(c *checker, o *Object[ProvisionOptions]) {
	if jump := o.Value.SSH.ProxyJump; jump != "" && !isProxyJump(jump) {
		c.errorf(o.At("ssh.proxyJump"), "write [user@]host[:port] of one host, an IPv6 address in brackets; longer ways go into ~/.ssh/config",
			"the value does not have the form [user@]host[:port]")
	}
}

// isProxyJump reports whether a text is [user@]host[:port].
func isProxyJump(s string) bool {
	user, host, found := strings.Cut(s, "@")
	if !found {
		return isHostPort(s)
	}
	return isUser(user) && isHostPort(host)
}

// isPort reports whether a text is a port: a decimal number without sign and leading zeros.
func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && n <= 65535 && strconv.Itoa(n) == s
}

// checkSSHOverrides warns when two documents set the same option to different values. It repeats neither value.
func checkSSHOverrides(c *checker, o *Object[ProvisionOptions]) {
	const hint = "remove one of the two"
	if c.cluster != nil {
		user, other := o.Value.SSH.User, c.cluster.Value.Spec.NodeAccess.LoginUser
		if at := o.At("ssh.user"); user != "" && other != "" && user != other {
			c.warnf(at, hint, "this user is taken, not the one of the Cluster (%s)", c.place(c.at("spec.nodeAccess.loginUser"), at))
		}
	}
	if len(c.manifests.Header) == 0 {
		return
	}
	header := c.manifests.Header[0]
	path, other := o.Value.SSH.PrivateKeyPath, header.Value.SSHPrivateKeyPath
	if at := o.At("ssh.privateKeyPath"); path != "" && other != "" && path != other {
		c.warnf(at, hint, "this key is taken, not the one of the first document (%s)", c.place(header.At("sshPrivateKeyPath"), at))
	}
}
