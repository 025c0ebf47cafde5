// Package prove verifies with real traffic that the cluster of a session matches its manifests. The checks are package proof's.
package prove
