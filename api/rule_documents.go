package api

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// documentRules returns the rules about which objects exist, their names and their namespace.
func documentRules() []rule {
	return []rule{
		newRule("one-namespace", fromDocumentation, "there is exactly one Namespace", checkNamespace),
		newRule("one-cluster", fromDualstrap, "there is exactly one Cluster", checkOneCluster),
		newRule("node-pool-present", fromDocumentation, "there is a NodePool; without one the cluster has no workers", checkNodePoolPresent),
		newRule("cidr-config-present", fromDocumentation, "there is a ClusterCIDRConfig", checkCIDRConfigPresent),
		newRule("one-header", fromDocumentation, "there is at most one document without kind", checkOneHeader),
		newRule("one-options", fromDualstrap, "there is at most one ProvisionOptions", checkOneOptions),
		newRule("same-namespace", fromDocumentation, "every object is in the Namespace", checkSameNamespace),
		newRule("object-name", fromKubernetes, "every object has a name that Kubernetes accepts", checkObjectNames),
		newRule("unique-object", fromKubernetes, "no two objects of a kind share a name", checkUniqueObjects),
	}
}

// documents returns every document, in the order of Manifests.
func (c *checker) documents() []*Document {
	m := c.manifests
	docs := docsOf(m.Header)
	docs = append(docs, docsOf(m.Namespaces)...)
	docs = append(docs, docsOf(m.Clusters)...)
	docs = append(docs, docsOf(m.NodePools)...)
	docs = append(docs, docsOf(m.ClusterCIDRConfigs)...)
	return append(docs, docsOf(m.Options)...)
}

// docsOf returns the documents of the objects of one kind.
func docsOf[T any](objects []Object[T]) []*Document {
	docs := make([]*Document, len(objects))
	for i, o := range objects {
		docs[i] = o.Doc
	}
	return docs
}

// isMissing reports whether a kind is certainly missing. It is not while a document is unreadable, or repeats its
// first fields: that is two documents without a --- between them.
func isMissing[T any](c *checker, objects []Object[T]) bool {
	return len(objects) == 0 && !c.manifests.Incomplete && !slices.ContainsFunc(c.documents(), c.repeatsFields)
}

// repeatsFields reports whether the document has a top-level field twice.
func (c *checker) repeatsFields(doc *Document) bool {
	return slices.ContainsFunc(c.decoderErrors(doc), func(p strictyaml.Problem) bool {
		return p.Rule == strictyaml.RuleDuplicateKey && p.Path == ""
	})
}

// checkNoSecond reports every object after the first.
func checkNoSecond[T any](c *checker, objects []Object[T], what, hint string) {
	for i := 1; i < len(objects); i++ {
		at := objects[i].At("")
		c.errorf(at, hint, "this is a second %s; the first is at %s", what, c.start(objects[0].Doc, at))
	}
}

// start returns the position at which a document begins, as seen from a problem.
func (c *checker) start(doc *Document, from Ref) string {
	return c.position(doc, doc.Line, from)
}

// checkNamespace requires exactly one Namespace. It proposes the Cluster's namespace as the name, or else the
// documentation's pattern.
func checkNamespace(c *checker) {
	if isMissing(c, c.manifests.Namespaces) {
		name := "cluster-NAME"
		if isName(c.config.Namespace) {
			name = c.config.Namespace
		}
		c.errorf(Ref{}, "add a document with apiVersion: v1, kind: Namespace and metadata.name: "+name, "there is no Namespace")
	}
	checkNoSecond(c, c.manifests.Namespaces, "Namespace", "a cluster and all that belongs to it are in one Namespace; remove one of them")
}

// checkOneCluster requires exactly one Cluster. Two clusters share no host, so a single run for both has no
// advantage.
func checkOneCluster(c *checker) {
	if isMissing(c, c.manifests.Clusters) {
		c.errorf(Ref{}, "give all files of the cluster, each with its own -f", "there is no Cluster")
	}
	checkNoSecond(c, c.manifests.Clusters, "Cluster", "run dualstrap once for each cluster, with its own files")
}

// checkNodePoolPresent warns when there are no workers. That is not an error: a control plane alone is a cluster,
// if one of little use.
func checkNodePoolPresent(c *checker) {
	if isMissing(c, c.manifests.NodePools) {
		c.warnf(Ref{}, "add a NodePool; the control plane's nodes run no ordinary pods", "there is no NodePool, so the cluster has no workers")
	}
	for _, np := range c.manifests.NodePools {
		if len(np.Value.Spec.Nodes) > 0 || !c.unreported(np.At("spec.nodes")) {
			return
		}
	}
	if len(c.manifests.NodePools) > 0 && !c.manifests.Incomplete {
		c.warnf(c.manifests.NodePools[0].At("spec.nodes"), "list the hosts, each as - address: and its IPv4 address",
			"no NodePool has nodes, so the cluster has no workers")
	}
}

// checkCIDRConfigPresent requires a ClusterCIDRConfig. No default range for IPv6 would be right on every network.
func checkCIDRConfigPresent(c *checker) {
	if isMissing(c, c.manifests.ClusterCIDRConfigs) {
		c.errorf(Ref{}, "add one with the pods' IPv4 and IPv6 ranges; without nodeSelector it serves every node",
			"there is no ClusterCIDRConfig, so no node gets pod addresses")
	}
}

// checkOneHeader allows at most one header. Two occur when files that bmctl wrote for two clusters are combined.
func checkOneHeader(c *checker) {
	checkNoSecond(c, c.manifests.Header, "document without kind",
		"move its fields to the first one, or give the object its apiVersion and kind")
}

// checkOneOptions allows at most one ProvisionOptions, rather than guess which of two takes precedence.
func checkOneOptions(c *checker) {
	checkNoSecond(c, c.manifests.Options, "ProvisionOptions", "merge the two")
}

// checkSameNamespace requires every object to be in the Namespace or, when that is missing, in the Cluster's
// namespace.
func checkSameNamespace(c *checker) {
	want := c.config.Namespace
	if len(c.manifests.Namespaces) > 0 {
		want = c.manifests.Namespaces[0].Value.Name
	}
	if !isName(want) {
		return // see checkObjectNames
	}
	check := func(doc *Document, got string) {
		at := Ref{Doc: doc, Path: "metadata.namespace"}
		switch {
		case got == "" && c.unreported(at):
			c.errorf(at, "set it to "+want, "no namespace is given, but the cluster's is %s", want)
		case got != "" && got != want:
			c.errorf(at, "all objects of a cluster are in one namespace; set it to "+want,
				"the namespace is %s, but the cluster's is %s", echoName(got), want)
		}
	}
	for _, o := range c.manifests.Clusters {
		check(o.Doc, o.Value.Namespace)
	}
	for _, o := range c.manifests.NodePools {
		check(o.Doc, o.Value.Namespace)
	}
	for _, o := range c.manifests.ClusterCIDRConfigs {
		check(o.Doc, o.Value.Namespace)
	}
}

// checkObjectNames requires valid names. The stricter form of a label applies to names that become parts of others:
// Kubernetes requires it of a Namespace; a Cluster's name becomes part of file names and of the name of its pool.
func checkObjectNames(c *checker) {
	const label = "use lower-case letters, digits and dashes, 63 at most, with a letter or digit at both ends"
	const subdomain = "use lower-case letters, digits, dashes and dots, with a letter or digit at both ends"
	check := func(doc *Document, name, hint string, validate func(string) []string) {
		at := Ref{Doc: doc, Path: "metadata.name"}
		switch {
		case name == "" && c.unreported(at):
			c.errorf(at, hint, "the object has no name")
		case name != "" && len(validate(name)) > 0:
			c.errorf(at, hint, "the name is not one that Kubernetes accepts for a %s", doc.Kind)
		}
	}
	for _, o := range c.manifests.Namespaces {
		check(o.Doc, o.Value.Name, label, content.IsDNS1123Label)
	}
	for _, o := range c.manifests.Clusters {
		check(o.Doc, o.Value.Name, label, content.IsDNS1123Label)
	}
	for _, o := range c.manifests.NodePools {
		check(o.Doc, o.Value.Name, subdomain+", and 63 at most", labelledName)
	}
	for _, o := range c.manifests.ClusterCIDRConfigs {
		check(o.Doc, o.Value.Name, subdomain, content.IsDNS1123Subdomain)
	}
}

// labelledName validates a name that is also the value of a label. It returns the problems, as the functions of
// package content do.
func labelledName(name string) []string {
	return append(content.IsDNS1123Subdomain(name), content.IsLabelValue(name)...)
}

// isName reports whether a text has the form of an object's name.
func isName(s string) bool { return len(content.IsDNS1123Subdomain(s)) == 0 }

// echoName returns a name for use in a message. It does not repeat a text that is not a name, which may be
// anything.
func echoName(s string) string {
	if isName(s) {
		return s
	}
	return "not a valid name"
}

// checkUniqueObjects requires unique names. Of two objects with the same name kubectl would silently keep the
// second. Kinds of which only one object is allowed have rules of their own.
func checkUniqueObjects(c *checker) {
	checkUnique(c, docsOf(c.manifests.NodePools))
	checkUnique(c, docsOf(c.manifests.ClusterCIDRConfigs))
}

// checkUnique reports every document whose name an earlier one has.
func checkUnique(c *checker, docs []*Document) {
	first := map[string]*Document{}
	for _, doc := range docs {
		other, taken := first[doc.Name]
		if !taken || doc.Name == "" {
			first[doc.Name] = doc
			continue
		}
		at := Ref{Doc: doc, Path: "metadata.name"}
		c.errorf(at, "give it another name, or remove one of the two",
			"the name %s is taken by the %s at %s", doc.Name, other.Kind, c.start(other, at))
	}
}
