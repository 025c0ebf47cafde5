package controller

import "k8s.io/apimachinery/pkg/runtime"

// Scheme exposes the controller's scheme to tests.
func Scheme() (*runtime.Scheme, error) { return newScheme() }
