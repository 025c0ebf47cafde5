package controller

import "k8s.io/apimachinery/pkg/runtime"

// Scheme knows the kinds that the controller does.
func Scheme() (*runtime.Scheme, error) { return newScheme() }
