package render

import (
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

const (
	// apiServerDirectory is what API servers read of their host, beside kubeadm's files.
	apiServerDirectory = configDir + "/apiserver"
	auditPolicyFile    = apiServerDirectory + "/audit-" + api.AuditLogMetadata + ".yaml"
	auditLogDirectory  = "/var/log/kubernetes/audit"

	admissionPrefix, admissionSuffix = apiServerDirectory + "/admission-", ".yaml"

	// EncryptionConfig has the keys that API servers encrypt Secrets with. It is not rendered: keys are made on a control
	// plane node, and are nowhere but on those.
	EncryptionConfig     = apiServerDirectory + "/encryption.yaml"
	encryptionConfigFlag = "encryption-provider-config"
)

// kubeadmArg is a flag of a control plane's program.
type kubeadmArg struct{ Name, Value string }

// kubeadmVolume is a directory of the host that a control plane's program sees under the same path.
type kubeadmVolume struct {
	Name, Path, PathType string
	ReadOnly             bool
}

// apiServerFiles are what API servers read beside kubeadm's files. Their names tell what is in them: that way the flags
// in kubeadm's configuration do, too.
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

// apiServerArgs are the flags of API servers, and apiServerVolumes what they need of the host for them.
func (r *hostRenderer) apiServerArgs() (args []kubeadmArg, volumes []kubeadmVolume) {
	security := r.cfg.Security
	if level := security.PodSecurity; level != "" {
		args = append(args, kubeadmArg{"admission-control-config-file", admissionPrefix + level + admissionSuffix})
	}
	if security.AuditsRequests() {
		args = append(args,
			kubeadmArg{"audit-policy-file", auditPolicyFile},
			kubeadmArg{"audit-log-path", auditLogDirectory + "/audit.log"},
			// At most 1.1 GB on each control plane node.
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

// SecurityOf returns the security options that flags of a running API server stand for, as [api.Config] has them.
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
