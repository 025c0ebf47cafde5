package dualstrap_test

// mayImport lists, for every directory, the packages of the project that its package may import. A directory that is
// missing from the list fails the tests: decide where a new package belongs first.
func mayImport() map[string][]string {
	return map[string][]string{
		"cmd/dualstrap": {"cmd"},
		"cmd": {
			"agent", "api", "bundle", "bundle/build", "bundle/signature", "cmd/internal/cli", "controller", "hostprep/check", "internal/hint",
			"internal/plural", "lab", "provision/create", "provision/load", "provision/preflight", "provision/proof", "provision/prove",
			"provision/reset", "provision/rotate", "provision/session", "provision/workflow", "provision/workspace", "render",
			"render/planview", "render/schema", "render/tree",
		},
		"controller": {
			"allocator", "api/v1alpha1", "controller/internal/ledger", "controller/internal/serving", "internal/family",
			"internal/nodeaddress",
		},
		"controller/internal/serving": {
			"internal/nodeaddress",
		},
		"agent":                      {"agent/announce", "agent/kernel", "internal/family", "internal/plural", "render/cni"},
		"agent/announce":             {},
		"agent/internal/nettest":     {},
		"agent/kernel":               {"internal/family"},
		"render/cni":                 {"internal/family"},
		"controller/internal/ledger": {"allocator", "internal/family"},
		"internal/family":            {},
		"internal/hint":              {},
		"internal/goldentest":        {},
		"internal/plural":            {},
		"internal/soak":              {},
		"internal/certtest":          {},
		"internal/kubetest":          {"internal/certtest"},
		"internal/localfile":         {},
		"internal/netspace":          {},
		"internal/nodeaddress":       {},
		"internal/visible":           {},
		"cmd/internal/cli": {
			"api", "bundle", "hostprep/check", "hostprep/remote", "internal/plural", "internal/visible", "progress", "provision/keys",
			"provision/load", "provision/preflight", "provision/proof", "provision/refusal", "provision/session", "provision/workflow",
			"provision/workspace",
		},
		// The commands. They do not import each other, except that create begins as preflight does.
		"provision/create": {
			"api", "hostprep/check", "hostprep/facts", "internal/plural", "provision/keys", "provision/kube", "provision/load",
			"provision/preflight", "provision/refusal", "provision/session", "provision/step", "provision/workflow", "render",
		},
		"provision/preflight": {"hostprep/check", "internal/plural", "provision/session", "provision/step", "provision/workflow"},
		"provision/prove":     {"provision/load", "provision/proof", "provision/session", "provision/workflow"},
		"provision/reset": {
			"api", "hostprep/change", "hostprep/check", "hostprep/remote", "internal/plural", "provision/etcd", "provision/kube",
			"provision/refusal", "provision/session", "provision/step", "provision/workflow", "render",
		},
		"provision/rotate": {"provision/keys", "provision/kube", "provision/refusal", "provision/session", "provision/step", "render"},
		// What commands share.
		"provision/step": {
			"api", "bundle", "hostprep/change", "hostprep/check", "hostprep/facts", "hostprep/remote", "provision/etcd",
			"provision/keys", "provision/kube", "provision/session", "provision/workflow", "render",
		},
		"provision/session": {
			"api", "bundle", "hostprep/check", "hostprep/facts", "hostprep/remote", "internal/localfile", "provision/kube", "provision/load",
			"provision/refusal", "provision/workflow", "render",
		},
		"provision/load": {
			"allocator", "api", "bundle", "hostprep/remote", "internal/localfile", "provision/kube", "provision/refusal", "render",
		},
		"provision/load/loadtest": {"api", "provision/load"},
		"provision/keys": {
			"hostprep/remote", "internal/plural", "provision/encryption", "provision/refusal", "provision/workflow", "render",
		},
		"provision/refusal":    {"internal/plural"},
		"provision/encryption": {},
		"provision/etcd":       {},
		"provision/proof": {
			"api", "bundle", "hostprep/check", "hostprep/facts", "hostprep/remote", "internal/hint", "internal/plural", "provision/kube",
		},
		"provision/proof/prooftest": {
			"api", "bundle", "hostprep/check", "hostprep/facts", "hostprep/remote", "internal/certtest", "provision/kube", "provision/proof",
		},
		"provision/workflow": {"hostprep/remote", "internal/plural"},
		"provision/kube":     {"api"},
		"provision/clustertest": {
			"api", "hostprep/remote", "internal/certtest", "provision/create", "provision/encryption", "provision/kube", "provision/load",
			"provision/load/loadtest", "provision/reset", "provision/session", "render",
		},
		"provision/workspace":        {"internal/visible"},
		"hostprep/change":            {"hostprep/firewalld", "hostprep/osfamily", "hostprep/remote"},
		"hostprep/check":             {"hostprep/facts", "hostprep/osfamily", "hostprep/remote", "internal/hint"},
		"hostprep/facts":             {"hostprep/osfamily", "hostprep/remote"},
		"hostprep/osfamily":          {},
		"hostprep/firewalld":         {}, // values only, so that render may have them, too
		"hostprep/remote":            {"internal/localfile"},
		"hostprep/remote/remotetest": {"hostprep/remote"},
		"render": {
			"api", "api/v1", "api/v1alpha1", "hostprep/firewalld", "internal/family", "internal/nodeaddress", "render/cni", "templates",
		},
		"render/planview":  {"api"},
		"render/tree":      {"render"},
		"render/schema":    {"api", "templates"},
		"templates":        {},
		"allocator":        {"internal/family"},
		"api":              {"api/v1", "api/v1alpha1", "api/strictyaml", "internal/nodeaddress"},
		"api/strictyaml":   {},
		"api/v1":           {},
		"api/v1alpha1":     {},
		"bundle":           {"api", "bundle/elfdeps", "bundle/oci", "bundle/signature", "internal/localfile"},
		"bundle/signature": {"internal/localfile"},
		"bundle/oci":       {"internal/localfile"},
		"bundle/elfdeps":   {"internal/localfile"},
		"bundle/build": {
			"api", "bundle", "bundle/build/child", "bundle/build/debian", "bundle/elfdeps", "bundle/oci", "internal/localfile",
			"progress",
		},
		"bundle/build/debian": {"bundle/build/child"},
		"bundle/build/child":  {},
		"bundle/build/pause":  {},
		"bundle/build/hello":  {},
		"lab":                 {"lab/engine", "lab/image", "lab/network"},
		"lab/engine":          {},
		"lab/image":           {},
		"lab/network":         {},
		"progress":            {},
	}
}
