package load

import (
	"errors"
	"fmt"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// ruleAllocation is the name of the rule that every node matches a ClusterCIDRConfig with free blocks. It is checked here
// and not in package api, because it needs the allocator.
const ruleAllocation = "node-gets-pod-ranges"

// maxAllocationProblems is how many nodes without pod ranges are reported individually. If a range is too small for its
// pool, all further nodes have the same problem.
const maxAllocationProblems = 20

// Replan returns a plan that keeps the pod ranges of the present nodes of the cluster. The plan of [Manifests] is for a new
// cluster: nodes that joined in another order have other pod ranges.
func Replan(cfg *api.Config, present []kube.Node) (*api.Plan, error) {
	plan, problems := allocate(cfg, present)
	if problems.HasErrors() {
		return nil, fmt.Errorf("cannot give every node its pod ranges: %s", problems[0].Message)
	}
	return plan, nil
}

// allocate allocates pod ranges for every node of the configuration. Ranges of the present nodes of the cluster are kept,
// including those of nodes that are not in the manifests. The plan is nil if any node gets no range; the problems say why.
func allocate(cfg *api.Config, present []kube.Node) (*api.Plan, api.Problems) {
	blocks, err := allocator.New(allocatorConfigs(cfg))
	if err != nil {
		return nil, api.Problems{{Severity: api.SeverityError, Rule: ruleAllocation, Message: err.Error()}}
	}
	for _, services := range cfg.Network.Services {
		blocks.Reserve(services)
	}
	nodes, candidates, refs := planNodes(cfg)
	// The ranges of all present nodes must be known before new ones are allocated.
	blocks.Add(adoptExistingPodCIDRs(candidates, present)...)
	results := blocks.Plan(candidates)
	if problems := allocationProblems(results, nodes, refs); len(problems) > 0 {
		return nil, problems
	}
	for i, result := range results {
		// IPv4 comes first: podCIDRs[0] also becomes the node's podCIDR.
		pair := result.Assignment.PodCIDRs
		nodes[i].PodCIDRs = pair[:]
		nodes[i].ClusterCIDRConfig = result.Assignment.Config
	}
	return &api.Plan{
		Cluster: api.PlanCluster{Name: cfg.Name, Namespace: cfg.Namespace},
		Nodes:   nodes,
		Ranges:  planRanges(blocks.Usage()),
	}, nil
}

// adoptExistingPodCIDRs sets the pod ranges that candidates hold in the cluster, and returns the present nodes that are
// not candidates. It modifies candidates. Nodes are matched by their Kubernetes address, not by name: names come from hosts
// that may not have been probed.
func adoptExistingPodCIDRs(candidates []allocator.Node, present []kube.Node) []allocator.Node {
	index := make(map[string]int, len(candidates))
	for i := range candidates {
		index[candidates[i].Name] = i
	}
	var others []allocator.Node
	for _, node := range present {
		if i, planned := index[node.K8sIP.String()]; planned {
			candidates[i].PodCIDRs = node.PodCIDRs
			continue
		}
		// The prefix keeps the name distinct from those of candidates, which are addresses.
		others = append(others, allocator.Node{Name: "node " + node.Name, PodCIDRs: node.PodCIDRs})
	}
	return others
}

// planNodes returns the nodes of the manifests, in the order of the files, in three forms: for the plan, for the
// allocator, and as references to their place in the manifests. The slices have the same indexes.
func planNodes(cfg *api.Config) ([]api.PlanNode, []allocator.Node, []api.Ref) {
	var nodes []api.PlanNode
	var candidates []allocator.Node
	var refs []api.Ref
	for i := range cfg.Pools {
		pool := &cfg.Pools[i]
		for j := range pool.Nodes {
			node := &pool.Nodes[j]
			planned := api.PlanNode{Address: node.Address, Role: pool.Role, Pool: pool.Name}
			if node.K8sIP != node.Address { // the plan shows it only where it is not obvious
				planned.K8sIP = node.K8sIP
			}
			nodes = append(nodes, planned)
			candidates = append(candidates, allocator.Node{
				Name:   node.K8sIP.String(),
				Labels: cfg.NodeLabels(pool, node),
			})
			refs = append(refs, node.Ref)
		}
	}
	return nodes, candidates, refs
}

// allocatorConfigs converts the ClusterCIDRConfigs to the allocator's type, in the same order.
func allocatorConfigs(cfg *api.Config) []allocator.Config {
	configs := make([]allocator.Config, len(cfg.CIDRConfigs))
	for i, c := range cfg.CIDRConfigs {
		configs[i] = allocator.Config{
			Name:        c.Name,
			MatchLabels: c.MatchLabels,
			V4:          allocator.Range{CIDR: c.IPv4.CIDR, NodeMask: c.IPv4.PerNodeMaskSize},
			V6:          allocator.Range{CIDR: c.IPv6.CIDR, NodeMask: c.IPv6.PerNodeMaskSize},
		}
	}
	return configs
}

// planRanges converts the usage of the ranges to the plan's type.
func planRanges(usage []allocator.Usage) []api.PlanRange {
	ranges := make([]api.PlanRange, len(usage))
	for i, u := range usage {
		ranges[i] = api.PlanRange{
			ClusterCIDRConfig: u.Config,
			Family:            api.FamilyOf(u.Range.CIDR.Addr()),
			CIDR:              u.Range.CIDR,
			PerNodeMaskSize:   u.Range.NodeMask,
			Blocks:            u.Blocks,
			Allocated:         u.Allocated,
			Free:              u.Free,
		}
	}
	return ranges
}

// allocationProblems returns a problem for each node without ranges, up to maxAllocationProblems. Nodes of a pool that no
// ClusterCIDRConfig matches are reported once.
func allocationProblems(results []allocator.Result, nodes []api.PlanNode, refs []api.Ref) api.Problems {
	var problems api.Problems
	failed := 0
	unmatched := map[string]bool{} // the names of pools that have been reported
	for _, i := range failures(results) {
		var noMatch *allocator.NoMatchError // no ClusterCIDRConfig matches, as opposed to one that is full
		hint := "widen a ClusterCIDRConfig, or add one whose nodeSelector matches the node"
		if pool := nodes[i].Pool; errors.As(results[i].Err, &noMatch) {
			if unmatched[pool] {
				continue
			}
			unmatched[pool] = true
			hint = "add one without nodeSelector, or one with matchLabels: {" + api.LabelNodePool + ": " + pool + "} for all nodes of the pool"
		}
		if failed++; failed <= maxAllocationProblems {
			problems = append(problems, refs[i].Problem(api.SeverityError, ruleAllocation, results[i].Err.Error(), hint))
		}
	}
	if more := failed - maxAllocationProblems; more > 0 {
		last := &problems[len(problems)-1]
		last.Message += fmt.Sprintf("; so do %d more nodes", more)
	}
	return problems
}

// failures returns the indexes of the results with an error.
func failures(results []allocator.Result) []int {
	var failed []int
	for i := range results {
		if results[i].Err != nil {
			failed = append(failed, i)
		}
	}
	return failed
}
