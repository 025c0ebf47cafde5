// Package oci writes and reads container images: one image per archive, an OCI image layout in a tar,
// which is what `ctr images import` takes. The same input gives the same bytes.
package oci
