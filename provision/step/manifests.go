package step

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// PlanManifests compares the cluster's objects with the manifests. All changes are one action, because objects depend on
// earlier ones, such as a CustomResourceDefinition or a namespace.
func PlanManifests(s *session.Session) workflow.PlanFunc {
	return func(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) { return planManifests(ctx, s) }
}

// planManifests is the plan of PlanManifests.
func planManifests(ctx context.Context, s *session.Session) ([]workflow.Action, error) {
	client, err := s.API.Client(ctx)
	if err != nil {
		return nil, err
	}
	manifests, err := render.Cluster(renderInput(s, render.Discovered{}))
	if err != nil {
		return nil, err
	}
	// The comparisons run concurrently, each with an element of its own; the order of the manifests is kept for applying.
	all := make([]manifestStep, len(manifests))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, manifest := range manifests {
		group.Go(func() (err error) {
			all[i], err = compareManifest(groupCtx, client, manifest)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var steps []manifestStep
	var changes []workflow.Change
	for _, step := range all {
		for _, difference := range step.changes {
			changes = append(changes, workflow.Change{Summary: difference})
		}
		if len(step.changes) > 0 { // a manifest without changes is not applied again
			steps = append(steps, step)
		}
	}
	if len(steps) == 0 {
		return nil, nil
	}
	return []workflow.Action{{
		Summary: "bring the cluster's objects up to date",
		Changes: changes,
		Do: func(ctx context.Context, _ remote.Host) error {
			// Applying what has been applied changes nothing, so the action may fail in the middle and be repeated.
			for _, step := range steps {
				if err := step.apply(ctx, step.objects); err != nil {
					return err
				}
			}
			return nil
		},
	}}, nil
}

// manifestStep holds the changes that one manifest needs.
type manifestStep struct {
	// objects lists the objects that differ, or do not exist yet.
	objects []kube.Object
	// changes has a summary for each of the objects.
	changes []string
	apply   func(context.Context, []kube.Object) error
}

// compareManifest compares the objects of a manifest with the cluster. Nodes have their own functions, because the
// manifests own only some of a node's taints.
func compareManifest(ctx context.Context, client *kube.Client, manifest render.File) (manifestStep, error) {
	objects, err := kube.Decode(manifest.Content)
	if err != nil {
		return manifestStep{}, err
	}
	step := manifestStep{apply: client.Apply}
	compare := client.Compare
	if manifest.Path == render.NodesManifest {
		compare, step.apply = client.CompareNodes, client.ApplyNodes
	}
	differences, err := compare(ctx, objects)
	if err != nil {
		return manifestStep{}, err
	}
	for i, difference := range differences {
		if difference.Any() {
			step.objects = append(step.objects, objects[i])
			step.changes = append(step.changes, difference.Summary(objects[i]))
		}
	}
	return step, nil
}
