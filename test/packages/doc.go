// Package packages tests what users install and deploy: the files of a release, the Dockerfiles, Kubernetes
// manifests and Collector configuration in examples, each with the tools that its own world checks it with.
package packages
