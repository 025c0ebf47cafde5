package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/time/rate"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// Finalizer keeps a ClusterCIDRConfig that is being deleted until no node holds blocks of it.
const Finalizer = "dualstrap.dev/pod-ranges-in-use"

// maxSyncs bounds how often per second the status of ClusterCIDRConfigs is written. While thousands of nodes join,
// their numbers change with each node.
const maxSyncs = 2

// syncConfigs reconciles ClusterCIDRConfigs until the context ends.
func (l *leader) syncConfigs(ctx context.Context) error {
	pace := rate.NewLimiter(maxSyncs, 1)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.configs:
		case <-l.counts:
		}
		// Notifications that arrive while it waits are merged into the next round.
		if err := pace.Wait(ctx); err != nil {
			return nil // the context has ended
		}
		if err := l.syncOnce(ctx); err != nil && ctx.Err() == nil {
			l.log.Warn("ClusterCIDRConfigs are not up to date yet", "error", err)
			// There may be no further change that triggers another attempt.
			l.configs.notify()
		}
	}
}

// syncOnce records the ClusterCIDRConfigs in the book, and writes their status from it.
func (l *leader) syncOnce(ctx context.Context) error {
	configs, err := l.readConfigs(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	usage, unserved := l.book.Usage(), l.book.Pending()
	l.mu.Unlock()
	l.metrics.set(usage, unserved)
	byName := map[string][]allocator.Usage{}
	for _, u := range usage {
		byName[u.Config] = append(byName[u.Config], u)
	}
	for _, c := range configs {
		if err := l.syncStatus(ctx, c, byName[c.Namespace+"/"+c.Name]); err != nil {
			return err
		}
	}
	return nil
}

// readConfigs records the ClusterCIDRConfigs and the reserved ranges, and returns the former, sorted by namespace and
// name. A config gets its finalizer before nodes get any of its blocks. Invalid configs are returned, but not recorded.
func (l *leader) readConfigs(ctx context.Context) ([]*v1alpha1.ClusterCIDRConfig, error) {
	var list v1alpha1.ClusterCIDRConfigList
	if err := l.cache.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("cannot list ClusterCIDRConfigs: %w", err)
	}
	var services networkingv1.ServiceCIDRList
	if err := l.cache.List(ctx, &services); err != nil {
		return nil, fmt.Errorf("cannot list ServiceCIDRs: %w", err)
	}
	var configs []*v1alpha1.ClusterCIDRConfig
	var booked []allocator.Config
	for i := range list.Items {
		c := &list.Items[i]
		// Without the finalizer, a config could be deleted between this read and the first assignment.
		if err := l.ensureFinalizer(ctx, c); err != nil {
			return nil, err
		}
		configs = append(configs, c)
		// The status of an invalid config gets the reason, see activity.
		if config, err := allocatorConfig(c); err == nil {
			config.Closed = c.DeletionTimestamp != nil
			booked = append(booked, config)
		}
	}
	slices.SortFunc(configs, func(a, b *v1alpha1.ClusterCIDRConfig) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(booked, func(a, b allocator.Config) int { return cmp.Compare(a.Name, b.Name) })
	return configs, l.setRanges(booked, serviceRanges(&services))
}

// ensureFinalizer adds the finalizer to a ClusterCIDRConfig, unless it is being deleted: the API server does not accept
// new finalizers then.
func (l *leader) ensureFinalizer(ctx context.Context, c *v1alpha1.ClusterCIDRConfig) error {
	if l.guarded[c.UID] || c.DeletionTimestamp != nil {
		return nil
	}
	before := c.DeepCopy()
	if controllerutil.AddFinalizer(c, Finalizer) {
		if err := l.patchFinalizers(ctx, c, before); err != nil {
			return fmt.Errorf("cannot add a finalizer to ClusterCIDRConfig %s/%s: %w", c.Namespace, c.Name, err)
		}
	}
	l.guarded[c.UID] = true
	return nil
}

// syncStatus writes the status of a ClusterCIDRConfig. If it is being deleted and not in use, its finalizer is removed
// instead.
func (l *leader) syncStatus(ctx context.Context, c *v1alpha1.ClusterCIDRConfig, usage []allocator.Usage) error {
	before := c.DeepCopy()
	// Every range of a config has the same number of nodes, so the first one tells.
	inUse := len(usage) > 0 && usage[0].Nodes > 0
	if c.DeletionTimestamp != nil && !inUse {
		// A config of the same name that is created later has another UID, so this only frees memory.
		delete(l.guarded, c.UID)
		if !controllerutil.RemoveFinalizer(c, Finalizer) {
			return nil
		}
		if err := l.patchFinalizers(ctx, c, before); err != nil {
			return fmt.Errorf("cannot remove the finalizer of ClusterCIDRConfig %s/%s: %w", c.Namespace, c.Name, err)
		}
		return nil
	}
	if !describe(c, usage) {
		return nil
	}
	err := l.client.Status().Patch(ctx, c, client.MergeFrom(before))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("cannot write the status of ClusterCIDRConfig %s/%s: %w", c.Namespace, c.Name, err)
	}
	return nil
}

// patchFinalizers writes metadata.finalizers, unless the object has changed since it was read: the patch replaces the
// list, and other controllers may have added finalizers of their own.
func (l *leader) patchFinalizers(ctx context.Context, c, before *v1alpha1.ClusterCIDRConfig) error {
	err := l.client.Patch(ctx, c, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
