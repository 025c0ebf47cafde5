package provision

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// RuleAllocation is the rule that every node is matched by a ClusterCIDRConfig with room. It is
// judged here and not in package api, because only the allocator knows.
const RuleAllocation = "node-gets-pod-ranges"

// maxAllocationProblems bounds how many nodes without pod ranges are reported one by one. A range
// that is too small for its pool is the same problem for every further node.
const maxAllocationProblems = 20

// MakePlan allocates the pod ranges of every node of a cluster. What the nodes that are present hold
// stays theirs, and so does what nodes hold that the manifests do not know. The plan is nil when a node
// gets none.
func MakePlan(cfg *api.Config, present []kube.Node) (*api.Plan, api.Problems) {
	blocks, err := allocator.New(allocatorConfigs(cfg))
	if err != nil {
		return nil, api.Problems{{Severity: api.SeverityError, Rule: RuleAllocation, Message: err.Error()}}
	}
	for _, services := range cfg.Network.Services {
		blocks.Reserve(services)
	}
	nodes, candidates, refs := planNodes(cfg)
	blocks.Add(adoptExistingPodCIDRs(candidates, present)...)
	results := blocks.Plan(candidates)
	if problems := allocationProblems(results, nodes, refs); len(problems) > 0 {
		return nil, problems
	}
	for i, result := range results {
		pair := result.Assignment.PodCIDRs
		nodes[i].PodCIDRs = []netip.Prefix{pair.V4, pair.V6}
		nodes[i].ClusterCIDRConfig = result.Assignment.Config
	}
	return &api.Plan{
		Cluster: api.PlanCluster{Name: cfg.Name, Namespace: cfg.Namespace},
		Nodes:   nodes,
		Ranges:  planRanges(blocks.Usage()),
	}, nil
}

// replanWithLiveNodes notes what the candidates already hold, and gives the nodes that are none of them.
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
		others = append(others, allocator.Node{Name: "node " + node.Name, PodCIDRs: node.PodCIDRs}) // no planned node has such a name
	}
	return others
}

// planNodes gives the cluster's nodes in file order: as the plan shows them, as the allocator wants
// them, and where they stand in the manifests.
func planNodes(cfg *api.Config) ([]api.PlanNode, []allocator.Node, []api.Ref) {
	var nodes []api.PlanNode
	var candidates []allocator.Node
	var refs []api.Ref
	for i := range cfg.Pools {
		pool := &cfg.Pools[i]
		for j := range pool.Nodes {
			node := &pool.Nodes[j]
			planned := api.PlanNode{Address: node.Address, Role: pool.Role, Pool: pool.Name}
			if node.K8sIP != node.Address {
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

// allocationProblems reports nodes that get no ranges. That no ClusterCIDRConfig is for a node is said
// once for its pool.
func allocationProblems(results []allocator.Result, nodes []api.PlanNode, refs []api.Ref) api.Problems {
	var problems api.Problems
	failed := 0
	unmatched := map[string]bool{} // pools
	for _, i := range failures(results) {
		var noMatch *allocator.NoMatchError
		hint := "widen a ClusterCIDRConfig, or add one whose nodeSelector matches the node"
		if pool := nodes[i].Pool; errors.As(results[i].Err, &noMatch) {
			if unmatched[pool] {
				continue
			}
			unmatched[pool] = true
			hint = "add one without nodeSelector, or one with matchLabels: {" + api.LabelNodePool + ": " + pool + "} for all nodes of the pool"
		}
		if failed++; failed <= maxAllocationProblems {
			problems = append(problems, refs[i].Problem(api.SeverityError, RuleAllocation, results[i].Err.Error(), hint))
		}
	}
	if more := failed - maxAllocationProblems; more > 0 {
		last := &problems[len(problems)-1]
		last.Message += fmt.Sprintf("; so do %d more nodes", more)
	}
	return problems
}

// failures gives the indexes of nodes without ranges.
func failures(results []allocator.Result) []int {
	var failed []int
	for i := range results {
		if results[i].Err != nil {
			failed = append(failed, i)
		}
	}
	return failed
}
