package controller

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dualstrap/dualstrap/controller/internal/serving"
	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

const (
	// byAddress and byUser are the names of the cache's indexes, of Nodes by their addresses and of certificate signing
	// requests by their users.
	byAddress = "address"
	byUser    = "user"
	// recheckInterval is the time after which a request that was not approved is checked again. Changes of its Node are
	// noticed at once, but the reason may lie in other objects, whose changes do not trigger a check.
	recheckInterval = time.Minute
)

// approver approves the serving certificates that kubelets request, if package serving finds no reason against it.
type approver struct {
	log      *slog.Logger
	client   client.Client
	recorder events.EventRecorder
	// apiServers are Options.APIServerNames, with addresses in canonical form.
	apiServers []string
	// reported holds, by the names of requests that were not approved, the last reason, so that it is not reported
	// twice. Only Reconcile uses it, which controller-runtime calls from one goroutine by default.
	reported map[string]string
}

// addApprover makes the leading instance approve requests.
func addApprover(ctx context.Context, m manager.Manager, apiServers []string, log *slog.Logger) error {
	a := &approver{
		log: log, client: m.GetClient(), recorder: m.GetEventRecorder(Name), reported: map[string]string{},
		apiServers: canonical(apiServers),
	}
	indexer := m.GetFieldIndexer()
	if err := indexer.IndexField(ctx, &corev1.Node{}, byAddress, addressesOf); err != nil {
		return fmt.Errorf("cannot index Nodes: %w", err)
	}
	err := indexer.IndexField(ctx, &certificatesv1.CertificateSigningRequest{}, byUser, func(object client.Object) []string {
		if request, ok := object.(*certificatesv1.CertificateSigningRequest); ok {
			return []string{request.Spec.Username}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot index certificate signing requests: %w", err)
	}
	// A node's addresses are in its labels, so a change of them may decide a request that was not approved before.
	return builder.ControllerManagedBy(m).Named("kubelet-serving").
		For(&certificatesv1.CertificateSigningRequest{}).
		Watches(&corev1.Node{}, handler.EnqueueRequestsFromMapFunc(a.requestsOf), builder.WithPredicates(predicate.LabelChangedPredicate{})).
		Complete(a)
}

// canonical returns names with the addresses among them in the form of netip.Addr, so that they compare as strings.
func canonical(names []string) []string {
	all := slices.Clone(names)
	for i, name := range all {
		if address, err := netip.ParseAddr(name); err == nil {
			all[i] = address.String()
		}
	}
	return all
}

// addressesOf returns the values of a Node in the index byAddress. A Node without address labels is not in it.
func addressesOf(object client.Object) []string {
	addresses, err := nodeaddress.Of(object.GetLabels())
	if err != nil {
		return nil
	}
	texts := make([]string, len(addresses))
	for i, address := range addresses {
		texts[i] = address.String()
	}
	return texts
}

// requestsOf returns the requests that the kubelet of a Node has made. If they cannot be listed, they are still checked
// after recheckInterval.
func (a *approver) requestsOf(ctx context.Context, node client.Object) []reconcile.Request {
	var list certificatesv1.CertificateSigningRequestList
	if err := a.client.List(ctx, &list, client.MatchingFields{byUser: "system:node:" + node.GetName()}); err != nil {
		a.log.Warn("cannot list certificate signing requests", "node", node.GetName(), "error", err)
		return nil
	}
	requests := make([]reconcile.Request, len(list.Items))
	for i := range list.Items {
		requests[i] = reconcile.Request{NamespacedName: types.NamespacedName{Name: list.Items[i].Name}}
	}
	return requests
}

// Reconcile implements reconcile.Reconciler. It approves one request, or reports why it does not.
func (a *approver) Reconcile(ctx context.Context, asked reconcile.Request) (reconcile.Result, error) {
	request := &certificatesv1.CertificateSigningRequest{}
	err := a.client.Get(ctx, asked.NamespacedName, request)
	if client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("cannot read certificate signing request %s: %w", asked.Name, err)
	}
	if err != nil || isDecided(request) {
		delete(a.reported, asked.Name)
		return reconcile.Result{}, nil
	}
	against, err := a.check(ctx, request)
	if err != nil {
		return reconcile.Result{}, err
	}
	if against != nil {
		a.emitEvent(request, against)
		return reconcile.Result{RequeueAfter: recheckInterval}, nil
	}
	return reconcile.Result{}, a.approve(ctx, request)
}

// isDecided reports whether a request is approved, denied, failed or signed already.
func isDecided(request *certificatesv1.CertificateSigningRequest) bool {
	return len(request.Status.Certificate) > 0 || slices.ContainsFunc(request.Status.Conditions,
		func(condition certificatesv1.CertificateSigningRequestCondition) bool {
			return slices.Contains([]certificatesv1.RequestConditionType{
				certificatesv1.CertificateApproved, certificatesv1.CertificateDenied, certificatesv1.CertificateFailed,
			}, condition.Type)
		})
}

// check returns the reason against approving a request. err reports that it could not be determined.
func (a *approver) check(ctx context.Context, request *certificatesv1.CertificateSigningRequest) (against, err error) {
	parsed, against := serving.Parse(&request.Spec)
	if against != nil {
		return against, nil
	}
	cluster := serving.Cluster{APIServers: a.apiServers}
	node := &corev1.Node{}
	err = a.client.Get(ctx, client.ObjectKey{Name: parsed.Node}, node)
	switch {
	case err == nil:
		// The status of the Node is left out on purpose: its kubelet writes it.
		cluster.Node = &serving.Node{Name: node.Name, Labels: node.Labels}
	case client.IgnoreNotFound(err) != nil:
		return nil, fmt.Errorf("cannot read Node %s: %w", parsed.Node, err)
	}
	if cluster.Others, err = a.sharing(ctx, node); err != nil {
		return nil, err
	}
	// ServiceCIDRs are read again for every request, because administrators may add ranges at any time.
	var services networkingv1.ServiceCIDRList
	if err := a.client.List(ctx, &services); err != nil {
		return nil, fmt.Errorf("cannot list ServiceCIDRs: %w", err)
	}
	cluster.ServiceRanges = serviceRanges(&services)
	return serving.Check(parsed, cluster), nil
}

// sharing returns the names of other Nodes that have one of the Node's addresses.
func (a *approver) sharing(ctx context.Context, node *corev1.Node) ([]string, error) {
	var names []string
	for _, address := range addressesOf(node) {
		var nodes corev1.NodeList
		if err := a.client.List(ctx, &nodes, client.MatchingFields{byAddress: address}); err != nil {
			return nil, fmt.Errorf("cannot list Nodes: %w", err)
		}
		for i := range nodes.Items {
			if nodes.Items[i].Name != node.Name {
				names = append(names, nodes.Items[i].Name)
			}
		}
	}
	return names, nil
}

// emitEvent reports why a request is not approved, unless the same reason was reported last.
func (a *approver) emitEvent(request *certificatesv1.CertificateSigningRequest, against error) {
	if a.reported[request.Name] == against.Error() {
		return
	}
	a.reported[request.Name] = against.Error()
	a.log.Warn("not approved", "request", request.Name, "by", request.Spec.Username, "reason", against)
	a.recorder.Eventf(request, nil, corev1.EventTypeWarning, "NotApproved", "ApproveServingCertificate", "%s",
		short(fmt.Sprintf("%v; to approve it anyway: kubectl certificate approve %s", against, request.Name)))
}

// approve approves a request. kube-controller-manager then signs it. A request that is gone is not an error.
func (a *approver) approve(ctx context.Context, request *certificatesv1.CertificateSigningRequest) error {
	request.Status.Conditions = append(request.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "NodeIsKnown",
		Message: Name + ": the names and addresses are those of the node",
	})
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := a.client.SubResource("approval").Update(ctx, request); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("cannot approve certificate signing request %s: %w", request.Name, err)
	}
	delete(a.reported, request.Name)
	a.log.Info("approved a serving certificate", "request", request.Name, "by", request.Spec.Username)
	return nil
}
