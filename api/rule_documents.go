package api

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

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

// documents gives every document, in the order of Manifests.
func (c *checker) documents() []*Document {
	m := c.manifests
	docs := docsOf(m.Header)
	docs = append(docs, docsOf(m.Namespaces)...)
	docs = append(docs, docsOf(m.Clusters)...)
	docs = append(docs, docsOf(m.NodePools)...)
	docs = append(docs, docsOf(m.ClusterCIDRConfigs)...)
	return append(docs, docsOf(m.Options)...)
}

// docsOf gives the documents of objects of one kind.
func docsOf[T any](objects []Object[T]) []*Document {
	docs := make([]*Document, len(objects))
	for i, o := range objects {
		docs[i] = o.Doc
	}
	return docs
}

// absent reports whether a kind is missing for certain: with unreadable documents, who knows.
// Neither with a document that has two kinds: it is two, with no --- between them.
func absent[T any](c *checker, objects []Object[T]) bool {
	return len(objects) == 0 && !c.manifests.Incomplete && !slices.ContainsFunc(c.documents(), c.isTwo)
}

// isTwo reports whether the document repeats fields at its beginning.
func (c *checker) isTwo(doc *Document) bool {
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

// start names where a document begins.
func (c *checker) start(doc *Document, from Ref) string {
	return c.position(doc, doc.Line, from)
}

// checkNamespace also proposes a name: the Cluster's, or the documentation's pattern.
func checkNamespace(c *checker) {
	if absent(c, c.manifests.Namespaces) {
		name := "cluster-NAME"
		if isName(c.config.Namespace) {
			name = c.config.Namespace
		}
		c.errorf(Ref{}, "add a document with apiVersion: v1, kind: Namespace and metadata.name: "+name, "there is no Namespace")
	}
	checkNoSecond(c, c.manifests.Namespaces, "Namespace", "a cluster and all that belongs to it are in one Namespace; remove one of them")
}

// checkOneCluster: two clusters share no host, so there is nothing to gain from one run.
func checkOneCluster(c *checker) {
	if absent(c, c.manifests.Clusters) {
		c.errorf(Ref{}, "give all files of the cluster, each with its own -f", "there is no Cluster")
	}
	checkNoSecond(c, c.manifests.Clusters, "Cluster", "run dualstrap once for each cluster, with its own files")
}

// checkNodePoolPresent only warns: a control plane alone is a cluster, if one of little use.
func checkNodePoolPresent(c *checker) {
	if absent(c, c.manifests.NodePools) {
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

// checkCIDRConfigPresent: there is no default range for IPv6 that could be right on any network.
func checkCIDRConfigPresent(c *checker) {
	if absent(c, c.manifests.ClusterCIDRConfigs) {
		c.errorf(Ref{}, "add one with the pods' IPv4 and IPv6 ranges; without nodeSelector it serves every node",
			"there is no ClusterCIDRConfig, so no node gets pod addresses")
	}
}

// checkOneHeader: files that bmctl wrote for two clusters both have one.
func checkOneHeader(c *checker) {
	checkNoSecond(c, c.manifests.Header, "document without kind",
		"move its fields to the first one, or give the object its apiVersion and kind")
}

// checkOneOptions refuses to guess which of two wins.
func checkOneOptions(c *checker) {
	checkNoSecond(c, c.manifests.Options, "ProvisionOptions", "merge the two")
}

// checkSameNamespace compares with the Namespace or, when that is missing, with the Cluster's.
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

// checkObjectNames holds the stricter form of names that become parts of others: a Namespace by
// Kubernetes itself, a Cluster because its name is in file names and in that of its pool.
func checkObjectNames(c *checker) {
	const label = "use lower-case letters, digits and dashes, 63 at most, with a letter or digit at both ends"
	const subdomain = "use lower-case letters, digits, dashes and dots, with a letter or digit at both ends"
	check := func(doc *Document, name, hint string, judge func(string) []string) {
		at := Ref{Doc: doc, Path: "metadata.name"}
		switch {
		case name == "" && c.unreported(at):
			c.errorf(at, hint, "the object has no name")
		case name != "" && len(judge(name)) > 0:
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

// labelledName judges a name that is also the value of a label.
func labelledName(name string) []string {
	return append(content.IsDNS1123Subdomain(name), content.IsLabelValue(name)...)
}

// isName reports whether a text has the form of an object's name.
func isName(s string) bool { return len(content.IsDNS1123Subdomain(s)) == 0 }

// echoName gives a name for use in a message, unless it is none and may be anything.
func echoName(s string) string {
	if isName(s) {
		return s
	}
	return "no valid name"
}

// checkUniqueObjects: of two objects of a name kubectl would silently keep the second. Kinds of which
// there can be only one have rules of their own.
func checkUniqueObjects(c *checker) {
	checkUnique(c, docsOf(c.manifests.NodePools))
	checkUnique(c, docsOf(c.manifests.ClusterCIDRConfigs))
}

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
