package controller

import (
	"errors"
	"math/big"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dualstrap/dualstrap/allocator"
)

// collectors are the metrics of the leading instance.
type collectors struct {
	assigned prometheus.Counter
	failures *prometheus.CounterVec
	unserved prometheus.Gauge
	blocks   *prometheus.GaugeVec
	waited   prometheus.Histogram
	writes   prometheus.Histogram
}

func newCollectors() *collectors {
	const prefix = "dualstrap_controller_"
	return &collectors{
		assigned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "assigned_total", Help: "Nodes that were given podCIDRs.",
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "failures_total", Help: "What was found wrong with the podCIDRs of nodes, by the reason of the Event.",
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

func (c *collectors) register(r prometheus.Registerer) error {
	var problems []error
	for _, collector := range []prometheus.Collector{c.assigned, c.failures, c.unserved, c.blocks, c.waited, c.writes} {
		problems = append(problems, r.Register(collector))
	}
	return errors.Join(problems...)
}

// set replaces the numbers of blocks and of nodes that wait.
func (c *collectors) set(usage []allocator.Usage, unserved int) {
	c.unserved.Set(float64(unserved))
	c.blocks.Reset() // configs go
	for _, u := range usage {
		family := "IPv6"
		if u.Range.CIDR.Addr().Is4() {
			family = "IPv4"
		}
		c.blocks.WithLabelValues(u.Config, family, "used").Set(approximate(u.Allocated))
		c.blocks.WithLabelValues(u.Config, family, "free").Set(approximate(u.Free))
	}
}

// approximate is a number as metrics have it.
func approximate(n *big.Int) float64 {
	f, _ := new(big.Float).SetInt(n).Float64()
	return f
}
