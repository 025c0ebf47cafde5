package planview

import (
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/dualstrap/dualstrap/api"
)

// TextOptions is how [Text] writes.
type TextOptions struct {
	// Color makes headings bold and exhausted ranges red, with ANSI sequences. It is the caller's
	// to know whether w is a terminal that wants them.
	Color bool
}

// Text writes the plan as tables: ranges, other addresses, and one row for every node, however
// many there are. Rows are never wrapped. It fails only when w does.
func Text(w io.Writer, cfg *api.Config, plan *api.Plan, opts TextOptions) error {
	t := tables{color: opts.Color}
	var out strings.Builder
	fmt.Fprintf(&out, "%s in namespace %s: %s (%s); %s\n", t.bold(plan.Cluster.Name), plan.Cluster.Namespace,
		plural(len(plan.Nodes), "node"), roleCounts(plan), modes(cfg))
	for _, s := range []struct{ heading, body string }{
		{"Pod ranges", t.ranges(cfg, plan)},
		{"Services and load balancing", t.addresses(cfg)},
		{"Nodes", t.nodes(cfg, plan)},
	} {
		fmt.Fprintf(&out, "\n%s\n%s\n", t.bold(s.heading), s.body)
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("cannot write the plan: %w", err)
	}
	return nil
}

// tables makes the tables of [Text].
type tables struct{ color bool }

// ranges has a row for each family of each ClusterCIDRConfig, in file order.
func (t tables) ranges(cfg *api.Config, plan *api.Plan) string {
	w := t.new("Family", "Range", "Per node", ">Blocks", ">Allocated", ">Free", ">Free %", "ClusterCIDRConfig", "Nodes")
	selectors := selectors(cfg)
	for i := range plan.Ranges {
		r := &plan.Ranges[i]
		w.AppendRow(table.Row{
			r.Family, r.CIDR, mask(r.PerNodeMaskSize), count(r.Blocks), count(r.Allocated), t.warn(count(r.Free), r.Free.Sign() == 0),
			percent(r.Free, r.Blocks), r.ClusterCIDRConfig, selectors[r.ClusterCIDRConfig],
		})
	}
	return w.Render()
}

// addresses has a row for everything that is neither a node nor a pod.
func (t tables) addresses(cfg *api.Config) string {
	w := t.new("Use", "Name", "Family", "Addresses", ">Count")
	for i, cidr := range cfg.Network.Services {
		name := ""
		if i == 0 {
			name = "default family"
		}
		w.AppendRow(table.Row{"Services", name, api.FamilyOf(cidr.Addr()), cidr, count(sizeOf(cidr.Addr(), lastOf(cidr)))})
	}
	lb := &cfg.LoadBalancer
	vip := func(kind, name string, a netip.Addr) {
		if a.IsValid() {
			w.AppendRow(table.Row{kind, name, api.FamilyOf(a), a, "1"})
		}
	}
	vip("Control plane VIP", fmt.Sprintf("port %d", lb.Port), lb.ControlPlaneVIP)
	vip("Ingress VIP", "", lb.IngressVIP)
	for i := range lb.Pools {
		for _, r := range lb.Pools[i].Addresses {
			w.AppendRow(table.Row{
				"Address pool", lb.Pools[i].Name, api.FamilyOf(r.From()),
				r.From().String() + "-" + r.To().String(), count(sizeOf(r.From(), r.To())),
			})
		}
	}
	return w.Render()
}

// nodes has a row for every node, in file order.
func (t tables) nodes(cfg *api.Config, plan *api.Plan) string {
	w := t.new("Address", "K8s IP", "IPv6", "Role", "Pool", "IPv4 podCIDR", "IPv6 podCIDR", "ClusterCIDRConfig")
	w.SuppressEmptyColumns() // few clusters have a K8s IP or name a node's IPv6.
	known := configNodes(cfg)
	for i := range plan.Nodes {
		n := &plan.Nodes[i]
		w.AppendRow(table.Row{
			n.Address, orEmpty(n.K8sIP.IsValid(), n.K8sIP), orEmpty(known[n.Address].IPv6.IsValid(), known[n.Address].IPv6),
			n.Role, n.Pool, prefix(block(n, api.IPv4)), prefix(block(n, api.IPv6)), n.ClusterCIDRConfig,
		})
	}
	return w.Render()
}

// new makes a table without lines; a column whose name begins with > is aligned right.
func (t tables) new(columns ...string) table.Writer {
	w := table.NewWriter()
	header := make(table.Row, len(columns))
	var aligned []table.ColumnConfig
	for i, name := range columns {
		if right, ok := strings.CutPrefix(name, ">"); ok {
			name = right
			aligned = append(aligned, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
		header[i] = t.bold(strings.ToUpper(name))
	}
	w.AppendHeader(header)
	w.SetColumnConfigs(aligned)
	w.SuppressTrailingSpaces()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	w.SetStyle(style)
	return w
}

// bold and warn write the sequences themselves: the library's own colours depend on the
// environment of the process.
func (t tables) bold(s string) string {
	if !t.color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

// warn makes a cell red.
func (t tables) warn(s string, warn bool) string {
	if !t.color || !warn {
		return s
	}
	return "\x1b[31m" + s + "\x1b[0m"
}

// orEmpty is an address, or nothing, so that a column of nothing can be suppressed.
func orEmpty(ok bool, a netip.Addr) string {
	if !ok {
		return ""
	}
	return a.String()
}

// prefix writes a block; a node without one has a dash, so that columns stay readable by machines.
func prefix(p netip.Prefix) string {
	if !p.IsValid() {
		return "-"
	}
	return p.String()
}

// configNodes finds what the manifests say of a node by its address.
func configNodes(cfg *api.Config) map[netip.Addr]api.Node {
	nodes := map[netip.Addr]api.Node{}
	for i := range cfg.Pools {
		for j := range cfg.Pools[i].Nodes {
			nodes[cfg.Pools[i].Nodes[j].Address] = cfg.Pools[i].Nodes[j]
		}
	}
	return nodes
}
