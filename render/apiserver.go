package render

import (
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

const (
	// apiServerDirectory is the directory of the files that API servers read in addition to kubeadm's.
	apiServerDirectory = configDir + "/apiserver"
	auditPolicyFile    = apiServerDirectory + "/audit-" + api.AuditLogMetadata + ".yaml"
	auditLogDirectory  = "/var/log/kubernetes/audit"

	admissionPrefix, admissionSuffix = apiServerDirectory + "/admission-", ".yaml"

	// EncryptionConfig is the path of the keys with which API servers encrypt Secrets. It is not rendered: the keys are
	// made on a control plane node, and never leave the control plane nodes.
	EncryptionConfig     = apiServerDirectory + "/encryption.yaml"
	encryptionConfigFlag = "encryption-provider-config"
)

// kubeadmArg is a command-line flag of a control plane component.
type kubeadmArg struct{ Name, Value string }

// kubeadmVolume is a directory of the host that is mounted into a control plane component at the same path.
type kubeadmVolume struct {
	Name, Path, PathType string
	ReadOnly             bool
}

// apiServerFiles returns the files that API servers read in addition to kubeadm's. The file names state the content, so
// that another content is another path in the flags: [SecurityOf] reads the options back from the flags of a running
// API server.
func (r *hostRenderer) apiServerFiles(h *host) ([]File, error) {
	if !h.isControlPlane() {
		return nil, nil
	}
	var files []File
	if r.cfg.Security.AuditsRequests() {
		file, err := sharedFile(r, "audit-policy.yaml", auditPolicyFile, struct{}{})
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if level := r.cfg.Security.PodSecurity; level != "" {
		file, err := sharedFile(r, "admission.yaml", admissionPrefix+level+admissionSuffix, struct{ Level string }{level})
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// apiServerArgs returns the flags of the API servers, and the directories of the host that those flags need.
func (r *hostRenderer) apiServerArgs() (args []kubeadmArg, volumes []kubeadmVolume) {
	security := r.cfg.Security
	if level := security.PodSecurity; level != "" {
		args = append(args, kubeadmArg{"admission-control-config-file", admissionPrefix + level + admissionSuffix})
	}
	if security.AuditsRequests() {
		args = append(args,
			kubeadmArg{"audit-policy-file", auditPolicyFile},
			kubeadmArg{"audit-log-path", auditLogDirectory + "/audit.log"},
			// The log takes at most 1.1 GB on each control plane node: the current file and ten backups of 100 MB.
			kubeadmArg{"audit-log-maxage", "30"},
			kubeadmArg{"audit-log-maxbackup", "10"},
			kubeadmArg{"audit-log-maxsize", "100"},
		)
		volumes = append(volumes, kubeadmVolume{Name: "audit-log", Path: auditLogDirectory, PathType: "DirectoryOrCreate"})
	}
	if security.EncryptSecrets {
		args = append(args,
			kubeadmArg{encryptionConfigFlag, EncryptionConfig},
			kubeadmArg{encryptionConfigFlag + "-automatic-reload", "true"}, // keys are replaced without a restart
		)
	}
	if len(args) > 0 {
		volumes = append(volumes, kubeadmVolume{Name: "dualstrap", Path: apiServerDirectory, PathType: "Directory", ReadOnly: true})
	}
	if version := security.TLSMinVersion; version != "" {
		args = append(args, kubeadmArg{"tls-min-version", version})
	}
	return args, volumes
}

// SecurityOf returns the security options that the flags of a running API server stand for, in the form of
// [api.Config]. args maps names of flags, without dashes, to values. Flags that dualstrap does not set are ignored.
func SecurityOf(args map[string]string) api.Security {
	security := api.Security{
		AuditLog: api.AuditLogNone, TLSMinVersion: args["tls-min-version"], EncryptSecrets: args[encryptionConfigFlag] == EncryptionConfig,
	}
	if args["audit-policy-file"] == auditPolicyFile {
		security.AuditLog = api.AuditLogMetadata
	}
	if level, ours := strings.CutPrefix(args["admission-control-config-file"], admissionPrefix); ours {
		security.PodSecurity = strings.TrimSuffix(level, admissionSuffix)
	}
	return security
}
