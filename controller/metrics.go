package controller

import (
	"errors"
	"math/big"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dualstrap/dualstrap/allocator"
)

// collectors are the metrics of the leading instance. Their names and help texts are those in newCollectors.
type collectors struct {
	// assigned counts the Nodes that were assigned podCIDRs, failures the reports about podCIDRs by their reasons.
	assigned prometheus.Counter
	failures *prometheus.CounterVec
	// unserved is the number of Nodes that wait, blocks the number of used and free blocks by config and family.
	unserved prometheus.Gauge
	blocks   *prometheus.GaugeVec
	// waited and writes measure the time until a Node has podCIDRs, and the share of it that a write takes.
	waited prometheus.Histogram
	writes prometheus.Histogram
}

// newCollectors returns the metrics. The buckets cover 0.25 s to 512 s of waiting, and 1 ms to 4 s, the writeTimeout,
// for a write.
func newCollectors() *collectors {
	const prefix = "dualstrap_controller_"
	return &collectors{
		assigned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "assigned_total", Help: "Nodes that were assigned podCIDRs.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "failures_total", Help: "Problems with the podCIDRs of nodes, by the reason of the Event.",
		}, []string{"reason"}),
		unserved: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: prefix + "unserved_nodes", Help: "Nodes that wait for podCIDRs.",
		}),
		blocks: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: prefix + "blocks", Help: "Blocks of ClusterCIDRConfigs: used by their nodes, or free.",
		}, []string{"config", "family", "state"}),
		waited: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "node_wait_seconds", Help: "Time from the creation of a Node, known to the second, to its podCIDRs.",
			Buckets: prometheus.ExponentialBuckets(0.25, 2, 12),
		}),
		writes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "write_seconds", Help: "Time that the API server takes for the podCIDRs of a Node.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 13),
		}),
	}
}

// register registers all metrics, and returns the errors of those that cannot be.
func (c *collectors) register(r prometheus.Registerer) error {
	var problems []error
	for _, collector := range []prometheus.Collector{c.assigned, c.failures, c.unserved, c.blocks, c.waited, c.writes} {
		problems = append(problems, r.Register(collector))
	}
	return errors.Join(problems...)
}

// set replaces the gauges of blocks and of waiting nodes.
func (c *collectors) set(usage []allocator.Usage, unserved int) {
	c.unserved.Set(float64(unserved))
	c.blocks.Reset() // series of deleted configs must go
	for _, u := range usage {
		family := "IPv6"
		if u.Range.CIDR.Addr().Is4() {
			family = "IPv4"
		}
		c.blocks.WithLabelValues(u.Config, family, "used").Set(approximate(u.Allocated))
		c.blocks.WithLabelValues(u.Config, family, "free").Set(approximate(u.Free))
	}
}

// approximate returns the nearest float64, the only type of values in Prometheus. Numbers of IPv6 blocks may exceed
// 2^53.
func approximate(n *big.Int) float64 {
	f, _ := new(big.Float).SetInt(n).Float64()
	return f
}
