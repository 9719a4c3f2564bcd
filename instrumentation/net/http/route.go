package nethttp

import "context"

// Route names the SERVER span that ctx is in by what a router has found: the pattern of a path, as the router has it.
// It is for routers that match paths by themselves, and does nothing outside of requests that are traced.
func Route(ctx context.Context, pattern string) {
	if pattern != "" {
		route(ctx, pattern)
	}
}
