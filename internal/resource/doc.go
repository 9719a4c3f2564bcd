// Package resource says whose spans they are: it finds out about a traced
// process, its container and its cloud what the OpenTelemetry semantic
// conventions have attributes for.
//
// [Detect] looks at what is there already: the configuration, what the process
// told, and a few files of /proc. It makes no network call. [ECS] makes one,
// and is for running in the background, on Amazon ECS alone; its findings join
// the others by [Merge].
//
// There is no detector for EKS: it would call the cluster's API at start, and
// what it finds, the cluster's name, Lumigo's operator adds as well.
package resource
