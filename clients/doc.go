// Package clients owns what registering a client means: the rules for its settings, what follows from them, and what its profile
// demands.
//
// It must not know flags, YAML or HTTP: those who register clients by such means turn them into a [storage.Client] and call here.
package clients
