package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// maxAnswer bounds the body of one answer, in bytes. An object has at most 1.5 MiB, etcd's limit, and lists come in
	// pages.
	maxAnswer = 64 << 20
	// pageSize is how many objects one page of a list has, as in kubectl get.
	pageSize = 500
	// maxObjects bounds a list. Kubernetes is built for 150,000 pods in a cluster
	// (https://kubernetes.io/docs/setup/best-practices/cluster-large/).
	maxObjects = 200_000
)

// limitedTransport ends an answer that is longer than any honest one: an API server is a host's, and must not be able to fill
// this machine's memory.
type limitedTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b limitedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err != nil || response.Body == nil {
		return response, err
	}
	response.Body = &limitedBody{ReadCloser: response.Body, left: maxAnswer, path: request.URL.Path}
	return response, nil
}

// limitedBody returns an [AnswerError] instead of the byte that is one too many.
type limitedBody struct {
	io.ReadCloser
	left int64
	path string
}

// Read implements io.Reader.
func (b *limitedBody) Read(data []byte) (int, error) {
	if int64(len(data)) > b.left+1 {
		data = data[:b.left+1]
	}
	n, err := b.ReadCloser.Read(data)
	if b.left -= int64(n); b.left < 0 {
		return 0, &AnswerError{Path: b.path}
	}
	return n, err
}

// AnswerError is an answer of the API server that is longer than any that is read.
type AnswerError struct{ Path string }

// Error implements error.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("the API server's answer to %s is longer than %d MiB", e.Path, maxAnswer>>20)
}

// pagedClient reads lists page by page.
type pagedClient struct{ client.Client }

// List implements client.Reader.
func (p pagedClient) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var all []runtime.Object
	for {
		page, isList := list.DeepCopyObject().(client.ObjectList)
		if !isList {
			return fmt.Errorf("%T is not a list", list)
		}
		paging := append(slices.Clone(options), client.Limit(pageSize), client.Continue(list.GetContinue()))
		if err := p.Client.List(ctx, page, paging...); err != nil {
			return err
		}
		objects, err := meta.ExtractList(page)
		if err != nil {
			return err
		}
		if all = append(all, objects...); len(all) > maxObjects {
			return fmt.Errorf("the API server's list is longer than %d objects", maxObjects)
		}
		list.SetContinue(page.GetContinue())
		list.SetResourceVersion(page.GetResourceVersion())
		if list.GetContinue() == "" {
			return meta.SetList(list, all)
		}
	}
}
