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
	// maxAnswer bounds the body of one response, in bytes. An object has at most 1.5 MiB, etcd's limit, and lists are
	// read in pages.
	maxAnswer = 64 << 20
	// pageSize is the number of objects per page of a list, the same as in kubectl get.
	pageSize = 500
	// maxObjects bounds the length of a list. Kubernetes is designed for 150,000 pods in a cluster
	// (https://kubernetes.io/docs/setup/best-practices/cluster-large/).
	maxObjects = 200_000
)

// limitedTransport fails responses that are longer than maxAnswer. An API server runs on a host, and a compromised host
// must not be able to fill this machine's memory.
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

// limitedBody returns an [AnswerError] when more than left bytes are read from it.
type limitedBody struct {
	io.ReadCloser
	// left is the number of bytes that may still be read, negative once there were too many.
	left int64
	// path is that of the request, for the error.
	path string
}

// Read implements io.Reader.
func (b *limitedBody) Read(data []byte) (int, error) {
	// One byte more than allowed is read: it tells a body of exactly maxAnswer bytes from a longer one.
	if int64(len(data)) > b.left+1 {
		data = data[:b.left+1]
	}
	n, err := b.ReadCloser.Read(data)
	if b.left -= int64(n); b.left < 0 {
		return 0, &AnswerError{Path: b.path}
	}
	return n, err
}

// AnswerError reports a response of the API server that exceeds the limit. Path is that of the request.
type AnswerError struct{ Path string }

// Error implements error.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("the API server's answer to %s is longer than %d MiB", e.Path, maxAnswer>>20)
}

// pagedClient reads lists page by page, so that a page of any list fits into one bounded response.
type pagedClient struct{ client.Client }

// List implements client.Reader. The list holds the objects of all pages and the resource version of the last.
func (p pagedClient) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	var all []runtime.Object
	for {
		// The client decodes into an existing list and keeps what the response does not mention, so each page gets a
		// copy.
		page, isList := list.DeepCopyObject().(client.ObjectList)
		if !isList {
			return fmt.Errorf("%T is not a list", list)
		}
		paging := append(slices.Clone(options), client.Limit(pageSize), client.Continue(list.GetContinue()))
		if err := p.Client.List(ctx, page, paging...); err != nil {
			return err
		}
		// The pages are joined without their types, because list may be of any kind.
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
