package planview

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"go4.org/netipx"

	"github.com/dualstrap/dualstrap/api"
)

// Text writes the plan as tables: ranges, other addresses, and one row for every node, however many there are. Rows are
// never wrapped. With color, headings are bold and exhausted ranges red, with ANSI sequences; it is the caller's to know
// whether w is a terminal that wants them.
func Text(w io.Writer, cfg *api.Config, plan *api.Plan, color bool) error {
	t := tables{color: color}
	_, err := fmt.Fprintf(w, "%s in namespace %s: %s (%s); %s\n\n%s\n%s\n\n%s\n%s\n\n%s\n%s\n",
		t.bold(plan.Cluster.Name), plan.Cluster.Namespace, plural(len(plan.Nodes), "node"), roleCounts(plan), modes(cfg),
		t.bold("Pod ranges"), t.ranges(cfg, plan), t.bold("Services and load balancing"), t.addresses(cfg),
		t.bold("Nodes"), t.nodes(cfg, plan))
	if err != nil {
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
		free := count(r.Free)
		if r.Free.Sign() == 0 {
			free = t.paint("\x1b[31m", free)
		}
		w.AppendRow(table.Row{
			r.Family, r.CIDR, fmt.Sprintf("/%d", r.PerNodeMaskSize), count(r.Blocks), count(r.Allocated), free,
			percent(r.Free, r.Blocks), r.ClusterCIDRConfig, selectors[r.ClusterCIDRConfig],
		})
	}
	return w.Render()
}

// addresses has a row for everything that is neither a node nor a pod.
func (t tables) addresses(cfg *api.Config) string {
	w := t.new("Use", "Name", "Family", "Addresses", ">Count")
	row := func(use, name string, addresses any, r netipx.IPRange) {
		if r.IsValid() {
			w.AppendRow(table.Row{use, name, api.FamilyOf(r.From()), addresses, count(sizeOf(r))})
		}
	}
	for i, cidr := range cfg.Network.Services {
		name := ""
		if i == 0 {
			name = "default family"
		}
		row("Services", name, cidr, netipx.RangeOfPrefix(cidr))
	}
	lb := &cfg.LoadBalancer
	row("Control plane VIP", fmt.Sprintf("port %d", lb.Port), lb.ControlPlaneVIP, single(lb.ControlPlaneVIP))
	row("Ingress VIP", "", lb.IngressVIP, single(lb.IngressVIP))
	for i := range lb.Pools {
		for _, r := range lb.Pools[i].Addresses {
			row("Address pool", lb.Pools[i].Name, r, r)
		}
	}
	return w.Render()
}

// nodes has a row for every node, in file order.
func (t tables) nodes(cfg *api.Config, plan *api.Plan) string {
	w := t.new("Address", "K8s IP", "IPv6", "Role", "Pool", "IPv4 podCIDR", "IPv6 podCIDR", "ClusterCIDRConfig")
	w.SuppressEmptyColumns() // few clusters have a K8s IP or name a node's IPv6.
	known := configNodes(cfg)
	missing := strings.NewReplacer("invalid IP", "", "invalid Prefix", "-") // A dash keeps the columns readable by machines.
	for i := range plan.Nodes {
		n := &plan.Nodes[i]
		w.AppendRow(table.Row{
			n.Address, missing.Replace(n.K8sIP.String()), missing.Replace(known[n.Address].IPv6.String()), n.Role, n.Pool,
			missing.Replace(blockOf(n, api.IPv4).String()), missing.Replace(blockOf(n, api.IPv6).String()), n.ClusterCIDRConfig,
		})
	}
	return w.Render()
}

// new makes a table without lines; a column whose name begins with > is aligned right.
func (t tables) new(columns ...string) table.Writer {
	w := table.NewWriter()
	var header table.Row
	var aligned []table.ColumnConfig
	for i, name := range columns {
		name, right := strings.CutPrefix(name, ">")
		if right {
			aligned = append(aligned, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
		header = append(header, t.bold(strings.ToUpper(name)))
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

// paint writes the sequences itself: the library's own colours depend on the environment of the process.
func (t tables) paint(style, s string) string {
	if !t.color {
		return s
	}
	return style + s + "\x1b[0m"
}

func (t tables) bold(s string) string { return t.paint("\x1b[1m", s) }
